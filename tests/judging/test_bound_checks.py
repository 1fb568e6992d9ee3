"""Checks that rest on bounds: enough rows, margins that can be seen, and drops that are proven."""

from dataclasses import replace

import polars as pl
import pytest

from bench.gate.draws import EQUAL, Truth, draw
from bench.gate.rates import rows_asked_for
from pipeline.judging.verdict import Evidence, gate
from pipeline.params.gate import Margins
from pipeline.records.tables import slice_column
from tests.support.simulated import ROWS, failed, params


def test_gate_says_underpowered_where_the_margin_cannot_be_seen(equal: Evidence) -> None:
    verdict = gate(equal, params(live_margins=Margins(ndcg=0.02, hard=0.05, accuracy=0.0005)))
    assert verdict.outcome == "underpowered"
    assert "live_accuracy_64_visible" in failed(verdict)
    assert " for triplet accuracy against live at 64" in verdict.assumptions["rows_needed"]
    assert verdict.comparisons["live_accuracy_64"].rows_needed > ROWS


def test_gate_asks_for_as_many_rows_as_let_an_equal_candidate_through() -> None:
    asked = rows_asked_for(params())
    assert gate(draw(asked, EQUAL, seed=9), params()).passed
    assert gate(draw(asked // 8, EQUAL, seed=9), params()).outcome == "underpowered"


def test_gate_does_not_compare_where_too_few_rows_are_left(equal: Evidence) -> None:
    seen = pl.when((pl.col("model") == "live") & (pl.col("seen").not_())).then(True).otherwise(pl.col("seen"))
    known = replace(
        equal,
        outcomes=equal.outcomes.with_columns(seen=seen),
        retrieved=equal.retrieved.with_columns(seen=seen),
    )
    verdict = gate(known, params())
    assert verdict.outcome == "not_comparable"
    assert verdict.comparisons["live_accuracy_64"].left_out == ROWS
    assert verdict.comparisons["live_accuracy_64"].rows == 0
    assert "live_accuracy_64" in failed(verdict)
    assert verdict.comparisons["anchor_accuracy_64"].left_out < ROWS // 20


def test_gate_compares_all_rows_with_a_model_of_which_nobody_knows_what_it_saw(equal: Evidence) -> None:
    unknown = pl.when(pl.col("model") == "live").then(None).otherwise(pl.col("seen"))
    blind = replace(
        equal,
        outcomes=equal.outcomes.with_columns(seen=unknown),
        retrieved=equal.retrieved.with_columns(seen=unknown),
    )
    verdict = gate(blind, params())
    assert (verdict.passed, verdict.training_unknown) == (True, True)
    ours = equal.outcomes.filter(pl.col("model") == "candidate", pl.col("dim") == 64)
    assert verdict.comparisons["live_accuracy_64"].left_out == int(ours["seen"].sum())
    assert verdict.assumptions["live_training"].startswith("Nobody knows what the live model was trained on")
    assert "anchor_training" not in verdict.assumptions
    assert not gate(equal, params()).training_unknown


def test_gate_of_a_live_model_without_a_common_width_is_not_comparable(equal: Evidence) -> None:
    other = pl.col("model") != "live"
    case = replace(equal, outcomes=equal.outcomes.filter(other), retrieved=equal.retrieved.filter(other))
    assert gate(case, params()).outcome == "not_comparable"


def test_gate_wants_a_gain_and_a_person_for_a_new_vector_space(equal: Evidence) -> None:
    new = replace(equal, reembed=equal.reembed.model_copy(update={"compatible": False}))
    verdict = gate(new, params())
    assert failed(verdict) == {"new_space_gain"}
    assert verdict.needs_human
    better = draw(ROWS, {"candidate": Truth(), "live": Truth(ndcg=0.1), "anchor": Truth(ndcg=0.1)}, seed=6)
    gained = gate(replace(better, reembed=new.reembed), params())
    assert gained.passed
    assert gained.needs_human
    assert gained.better_than_anchor


@pytest.mark.parametrize(
    ("rows", "lost", "holds"), [(40, 1, True), (40, 20, False), (2000, 30, True), (2000, 200, False)]
)
def test_gate_refuses_a_slice_only_where_the_drop_is_no_chance(
    equal: Evidence, rows: int, lost: int, holds: bool
) -> None:
    # One row of forty is more than max_slice_drop, and nothing that chance would not do.
    team = pl.when(pl.col("row") < rows).then(pl.lit("ours")).otherwise(pl.lit("others"))
    wrong = (pl.col("model") == "candidate") & (pl.col("row") < lost)
    won = pl.when(wrong).then(0.0).otherwise(1.0).cast(pl.Float32)
    case = replace(
        equal,
        traits=equal.traits.with_columns(team.alias(slice_column("team"))),
        outcomes=equal.outcomes.with_columns(cos_positive=won, seen=pl.lit(value=False)),
    )
    check = gate(case, params()).checks["slice_team=ours"]
    assert check.value == pytest.approx(-lost / rows)
    assert check.passed is holds


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_gate_of_very_few_rows_is_a_no(rows: int) -> None:
    verdict = gate(draw(rows, EQUAL, seed=1), params())
    assert verdict.outcome == "not_comparable"


def test_gate_passes_a_much_better_candidate_whatever_its_spread(equal: Evidence) -> None:
    # Half of the queries were lost by the others: seen at once, though the spread exceeds the margin.
    others = (pl.col("model") != "candidate") & (pl.col("component") % 2 == 0)
    lost = pl.when(others).then(0.0).otherwise(pl.col("ndcg10"))
    verdict = gate(replace(equal, retrieved=equal.retrieved.with_columns(ndcg10=lost)), params())
    one = verdict.comparisons["live_ndcg_64"]
    assert one.visible > one.margin
    assert one.low > 0
    assert verdict.passed


def test_gate_of_a_first_release_on_few_rows_is_not_comparable() -> None:
    verdict = gate(draw(60, {"candidate": Truth()}, seed=1), params())
    assert verdict.outcome == "not_comparable"
    assert failed(verdict) == {"base_clusters"}


def test_gate_margin_of_zero_asks_for_no_number_of_rows(equal: Evidence) -> None:
    none = params(live_margins=Margins(ndcg=0.02, hard=0.05, accuracy=0.0))
    verdict = gate(equal, none)
    assert "live_accuracy_64" in failed(verdict)
    assert verdict.comparisons["live_accuracy_64"].rows_needed == 0


def test_gate_that_proves_a_margin_asks_for_no_more_rows(equal: Evidence) -> None:
    """134 rows, on which the candidate won more than it lost: the bound holds, and nothing else is asked."""
    hard = pl.col("row") < 134
    few = replace(equal, traits=equal.traits.with_columns(hard=hard))
    won = pl.when((pl.col("model") == "candidate") & hard).then(1.0).otherwise(pl.col("cos_positive"))
    lost = pl.when((pl.col("model") != "candidate") & (pl.col("row") < 20)).then(0.0).otherwise(won)
    case = replace(few, outcomes=few.outcomes.with_columns(cos_positive=lost.cast(pl.Float32)))
    verdict = gate(case, params(min_hard_rows=100))
    checks = {name: check for name, check in verdict.checks.items() if "hard" in name}
    assert checks
    assert all(check.passed for check in checks.values())
    assert verdict.outcome == "passed"


def test_gate_says_failed_of_what_is_proven_worse_also_where_rows_are_few() -> None:
    """More rows would say the same of it again."""
    few = draw(900, EQUAL | {"candidate": Truth(ndcg=0.13)}, seed=3)
    verdict = gate(few, params())
    assert any(name.endswith("_visible") for name in failed(verdict))
    assert verdict.comparisons["live_ndcg_64"].high < -params().live_margins.ndcg
    assert verdict.outcome == "failed"
