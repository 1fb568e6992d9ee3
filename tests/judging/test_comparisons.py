"""What is compared: rows that neither model was trained on, at the widths that both have."""

import math
from dataclasses import replace

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.gate.draws import EQUAL, draw
from pipeline.judging.comparisons import least_hard_rows
from pipeline.judging.verdict import Evidence, gate
from pipeline.records.tables import slice_column
from tests.support.simulated import ROWS, params


def test_gate_leaves_out_what_either_model_was_trained_on(equal: Evidence) -> None:
    mine = (pl.col("model") == "candidate") & (pl.col("row") < 100)
    theirs = (pl.col("model") == "live") & (pl.col("row") >= ROWS - 10)
    half = replace(equal, outcomes=equal.outcomes.with_columns(seen=mine | theirs))
    verdict = gate(half, params())
    assert verdict.comparisons["live_accuracy_64"].left_out == 110
    assert verdict.comparisons["anchor_accuracy_64"].left_out == 100


def test_gate_compares_a_narrower_live_model_at_the_widths_it_has(equal: Evidence) -> None:
    narrow = (pl.col("model") != "live") | (pl.col("dim") == 32)
    case = replace(equal, outcomes=equal.outcomes.filter(narrow), retrieved=equal.retrieved.filter(narrow))
    verdict = gate(case, params())
    assert {name for name in verdict.comparisons if name.startswith("live")} == {
        "live_ndcg_32",
        "live_accuracy_32",
        "live_hard_32",
    }
    assert verdict.assumptions["live_widths"].endswith(" narrower, and was not compared at 64.")


def test_gate_does_not_judge_a_slice_of_few_rows(equal: Evidence) -> None:
    team = pl.when(pl.col("row") < 29).then(pl.lit("few")).otherwise(pl.lit("many"))
    checked = gate(
        replace(equal, traits=equal.traits.with_columns(team.alias(slice_column("team")))), params()
    ).checks
    assert "slice_team=many" in checked
    assert "slice_team=few" not in checked


def test_gate_reports_few_hard_rows_and_does_not_judge_them(equal: Evidence) -> None:
    unseen = [one.with_columns(seen=pl.lit(value=False)) for one in (equal.outcomes, equal.retrieved)]
    hard = equal.traits.with_columns(hard=pl.col("row") < 20)
    few = replace(equal, traits=hard, outcomes=unseen[0], retrieved=unseen[1])
    verdict = gate(few, params(min_hard_rows=21))
    assert verdict.comparisons["live_hard_64"].rows == 20
    assert not [name for name in verdict.checks if "hard" in name]
    assert "it has 20 comparable rows" in verdict.assumptions["live_hard_64"]
    assert "live_hard_64" in gate(few, params(min_hard_rows=20)).checks


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 40))
def test_gate_never_judges_a_better_candidate_worse(seed: int, gained: int) -> None:
    case = draw(400, EQUAL, seed)
    better = pl.when((pl.col("model") == "candidate") & (pl.col("row") < gained))
    raised = replace(
        case,
        outcomes=case.outcomes.with_columns(cos_positive=better.then(1.0).otherwise(pl.col("cos_positive"))),
    )
    before, after = gate(case, params()), gate(raised, params())
    for name, one in before.comparisons.items():
        assert after.comparisons[name].low >= one.low


def test_gate_of_all_equal_outcomes_has_the_bound_of_the_rule_of_three(equal: Evidence) -> None:
    same = equal.outcomes.with_columns(cos_positive=pl.lit(1.0, dtype=pl.Float32))
    alone = equal.traits.with_columns(component=pl.col("row"))
    verdict = gate(replace(equal, outcomes=same, traits=alone), params(resamples=10000))
    one = verdict.comparisons["live_accuracy_64"]
    assert one.difference == 0
    # Nobody lost of n rows: at most -ln(alpha) / n would have been, at level alpha.
    assert one.low == pytest.approx(math.log(0.01) / ROWS, rel=0.05)


@pytest.mark.parametrize(("looks", "margin", "wanted"), [(104, 0.05, 941), (104, 0.1, 245), (1, 0.05, 473)])
def test_gate_computes_how_many_hard_rows_a_margin_needs(looks: int, margin: float, wanted: int) -> None:
    """From the margin and the level alone, so that no candidate can spread its way out of the check."""
    judged = params(min_hard_rows=None, max_looks=looks)
    assert least_hard_rows(margin, judged) == pytest.approx(wanted, abs=3)


def test_gate_judges_no_hard_subset_whose_margin_is_nothing() -> None:
    assert least_hard_rows(0.0, params(min_hard_rows=None)) > 10**9
