"""The gate at its edges, on cases that the simulation draws; `bench.gate` measures its error rates."""

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.gate import DIMS, EQUAL, PARAMS, Case, Truth, chain, draw, judge, rows_asked_for, upper
from pipeline.errors import BrokenChain, InvalidParams, UnmeasuredCheck
from pipeline.judging import looks, thresholds
from pipeline.params import load
from pipeline.params.gate import GateParams, Margins
from pipeline.records import Looks, Shortcut, Verdict
from pipeline.stages.gate import step as gate
from pipeline.workspace import paths

ROWS = 8000
# Wider than those of params.yaml, so that so few rows can show them.
MARGINS = {
    "live_margins": Margins(ndcg=0.02, hard=0.05, accuracy=0.008),
    "anchor_margins": Margins(ndcg=0.03, hard=0.1, accuracy=0.012),
    "min_hard_rows": 100_000,
}


def params(**changes: Any) -> GateParams:
    return PARAMS.model_copy(update=MARGINS | changes)


def metrics(case: Case, **changes: Any) -> Case:
    return replace(case, metrics=case.metrics.model_copy(update=changes))


def failed(verdict: Verdict) -> set[str]:
    return set(verdict.failures())


@pytest.fixture(scope="module")
def equal() -> Case:
    return draw(ROWS, EQUAL, seed=3)


@pytest.fixture(scope="module")
def first() -> Case:
    return draw(ROWS, {"candidate": Truth()}, seed=3)


def test_gate_passes_an_equal_candidate_and_says_what_it_saw(equal: Case) -> None:
    verdict = judge(equal, params())
    assert verdict.passed
    assert verdict.outcome == "passed"
    assert (verdict.look, verdict.looks_allowed) == (1, 5)
    assert verdict.compared_with == {"live": "l" * 40, "anchor": "a" * 40}
    one = verdict.comparisons["live_accuracy_64"]
    assert one.low <= one.difference <= one.high
    assert one.alpha == 0.01
    assert one.rows + one.left_out == ROWS
    assert 0 < one.left_out < ROWS // 20
    assert one.clusters < ROWS
    assert one.visible <= one.margin
    assert not verdict.needs_human


def test_gate_gives_the_same_verdict_twice_and_in_any_order(equal: Case) -> None:
    turned = replace(
        equal,
        outcomes=equal.outcomes.sample(fraction=1, shuffle=True, seed=1),
        retrieved=equal.retrieved.sample(fraction=1, shuffle=True, seed=2),
        traits=equal.traits.sample(fraction=1, shuffle=True, seed=3),
    )
    assert judge(equal, params()) == judge(equal, params())
    # Sums in another order differ in their last digits, and nothing else does.
    one, other = judge(equal, params()), judge(turned, params())
    assert one.outcome == other.outcome
    for name, found in one.comparisons.items():
        assert found.low == pytest.approx(other.comparisons[name].low, abs=1e-12)


@pytest.mark.parametrize(
    ("truth", "metric"), [(Truth(accuracy=0.02), "accuracy"), (Truth(ndcg=0.06), "ndcg")]
)
def test_gate_refuses_a_candidate_that_is_worse_in_one_metric(truth: Truth, metric: str) -> None:
    verdict = judge(draw(ROWS, EQUAL | {"candidate": truth}, seed=4), params())
    assert not verdict.passed
    assert {f"{other}_{metric}_{dim}" for other in ("live", "anchor") for dim in DIMS} <= failed(verdict)


def test_gate_refuses_small_losses_that_add_up_against_the_anchor() -> None:
    truths = {"candidate": Truth(ndcg=0.05), "live": Truth(ndcg=0.05), "anchor": Truth()}
    verdict = judge(draw(ROWS, truths, seed=5), params())
    assert {name.split("_")[0] for name in failed(verdict)} == {"anchor"}
    assert not verdict.better_than_anchor


def test_gate_says_underpowered_where_the_margin_cannot_be_seen(equal: Case) -> None:
    verdict = judge(equal, params(live_margins=Margins(ndcg=0.02, hard=0.05, accuracy=0.0005)))
    assert verdict.outcome == "underpowered"
    assert "live_accuracy_64_visible" in failed(verdict)
    assert "live_accuracy_64" in verdict.assumptions["rows_needed"]
    assert verdict.comparisons["live_accuracy_64"].rows_needed > ROWS


def test_gate_asks_for_as_many_rows_as_let_an_equal_candidate_through() -> None:
    asked = rows_asked_for(PARAMS)
    assert judge(draw(asked, EQUAL, seed=9), params()).passed
    assert judge(draw(asked // 8, EQUAL, seed=9), params()).outcome == "underpowered"


def test_gate_does_not_compare_where_too_few_rows_are_left(equal: Case) -> None:
    seen = pl.when((pl.col("model") == "live") & (pl.col("seen").not_())).then(True).otherwise(pl.col("seen"))
    known = replace(
        equal,
        outcomes=equal.outcomes.with_columns(seen=seen),
        retrieved=equal.retrieved.with_columns(seen=seen),
    )
    verdict = judge(known, params())
    assert verdict.outcome == "not_comparable"
    assert verdict.comparisons["live_accuracy_64"].left_out == ROWS
    assert verdict.comparisons["live_accuracy_64"].rows == 0
    assert "live_accuracy_64" in failed(verdict)
    assert verdict.comparisons["anchor_accuracy_64"].left_out < ROWS // 20


def test_gate_does_not_compare_with_a_model_of_which_nobody_knows_what_it_saw(equal: Case) -> None:
    unknown = pl.when(pl.col("model") == "live").then(None).otherwise(pl.col("seen"))
    blind = replace(
        equal,
        outcomes=equal.outcomes.with_columns(seen=unknown),
        retrieved=equal.retrieved.with_columns(seen=unknown),
    )
    assert judge(blind, params()).outcome == "not_comparable"


def test_gate_leaves_out_what_either_model_was_trained_on(equal: Case) -> None:
    mine = (pl.col("model") == "candidate") & (pl.col("row") < 100)
    theirs = (pl.col("model") == "live") & (pl.col("row") >= ROWS - 10)
    half = replace(equal, outcomes=equal.outcomes.with_columns(seen=mine | theirs))
    verdict = judge(half, params())
    assert verdict.comparisons["live_accuracy_64"].left_out == 110
    assert verdict.comparisons["anchor_accuracy_64"].left_out == 100


def test_gate_of_a_first_release_has_floors_and_the_base(first: Case) -> None:
    verdict = judge(first, params())
    assert verdict.passed
    assert verdict.first_release
    assert verdict.better_than_anchor
    assert set(verdict.comparisons) == {"base_ndcg_64"}
    assert "first" in verdict.assumptions
    high = judge(first, params(base_min_gain=0.5))
    assert failed(high) == {"base_ndcg_64"}


def test_gate_refuses_a_first_release_no_better_than_the_base(first: Case) -> None:
    same = first.retrieved.filter(pl.col("model") == "candidate").with_columns(model=pl.lit("base"))
    retrieved = pl.concat([first.retrieved.filter(pl.col("model") != "base"), same])
    assert failed(judge(replace(first, retrieved=retrieved), params())) == {"base_ndcg_64"}


def test_gate_compares_a_narrower_live_model_at_the_widths_it_has(equal: Case) -> None:
    narrow = (pl.col("model") != "live") | (pl.col("dim") == 32)
    case = replace(equal, outcomes=equal.outcomes.filter(narrow), retrieved=equal.retrieved.filter(narrow))
    verdict = judge(case, params())
    assert {name for name in verdict.comparisons if name.startswith("live")} == {
        "live_ndcg_32",
        "live_accuracy_32",
        "live_hard_32",
    }
    assert "[64]" in verdict.assumptions["live_widths"]


def test_gate_of_a_live_model_without_a_common_width_is_not_comparable(equal: Case) -> None:
    other = pl.col("model") != "live"
    case = replace(equal, outcomes=equal.outcomes.filter(other), retrieved=equal.retrieved.filter(other))
    assert judge(case, params()).outcome == "not_comparable"


def test_gate_wants_a_gain_and_a_person_for_a_new_vector_space(equal: Case) -> None:
    new = replace(equal, reembed=equal.reembed.model_copy(update={"compatible": False}))
    verdict = judge(new, params())
    assert failed(verdict) == {"new_space_gain"}
    assert verdict.needs_human
    better = draw(ROWS, {"candidate": Truth(), "live": Truth(ndcg=0.1), "anchor": Truth(ndcg=0.1)}, seed=6)
    gained = judge(replace(better, reembed=new.reembed), params())
    assert gained.passed
    assert gained.needs_human
    assert gained.better_than_anchor


def test_gate_counts_a_look_once_and_stops_when_they_are_spent(equal: Case) -> None:
    digest = equal.audit.test_digest
    seen = Looks()
    for name in "abcd":
        seen = looks.add(looks.add(seen, digest, name * 64), digest, name * 64)
    assert (
        seen.candidates == {digest: ("a" * 64, "b" * 64, "c" * 64, "d" * 64)}
        or "c" * 64 in seen.candidates[digest]
    )
    assert judge(equal, params(), seen).look == 3  # this candidate is the third of them
    others = Looks(candidates={digest: tuple(str(place) for place in range(5))})
    spent = judge(equal, params(), others)
    assert (spent.outcome, spent.look) == ("test_spent", 6)
    elsewhere = Looks(candidates={"other rows": tuple(str(place) for place in range(5))})
    assert judge(equal, params(), elsewhere).look == 1


def test_gate_resamples_the_named_column(equal: Case) -> None:
    customer = (pl.col("row") // 100).cast(pl.String)
    named = replace(equal, traits=equal.traits.with_columns(slice_customer=customer))
    verdict = judge(named, params(cluster="customer", min_clusters=10))
    assert verdict.comparisons["live_accuracy_64"].clusters == ROWS // 100
    # Rows of one customer are no independent witnesses: less can be seen than with all the small clusters.
    alone = judge(equal, params()).comparisons["live_accuracy_64"]
    assert verdict.comparisons["live_accuracy_64"].visible > alone.visible


def test_gate_says_where_style_alone_does_well(first: Case) -> None:
    found = Shortcut(bag_of_words=0.91, bm25=0.5, hard_rows=9, warn_above=0.7, warned=True)
    styled = replace(first, audit=first.audit.model_copy(update={"shortcut": {"test": found}}))
    assert "picks 91% of the positives" in judge(styled, params()).assumptions["style"]
    assert "style" not in judge(first, params()).assumptions


@pytest.mark.parametrize("floor", [0.0, 1.0])
def test_gate_takes_a_floor_of_zero_for_a_floor(first: Case, floor: float) -> None:
    verdict = judge(first, params(floors=dict.fromkeys(DIMS, floor)))
    assert verdict.checks["floor_64"].passed == (floor == 0.0)
    assert verdict.checks["floor_64"].wanted == floor


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"max_rejected_share": 0.0}, "rejected_share"),
        ({"max_leak_share": 0.0}, "leak_share"),
        ({"retention": 1.0}, "retention"),
    ],
)
def test_gate_refuses_what_a_plain_check_finds(first: Case, changes: dict[str, Any], name: str) -> None:
    audit = first.audit.model_copy(update={"rejected_share": 0.001, "near_train": {"test": 3}})
    scores = {model: dict(splits) for model, splits in first.metrics.retrieval.items()}
    at = scores["candidate"]["own_test"]
    scores["candidate"] = {"own_test": at | {32: at[32].model_copy(update={"ndcg10": at[64].ndcg10 * 0.99})}}
    case = metrics(replace(first, audit=audit), retrieval=scores)
    assert judge(case, params()).passed
    assert failed(judge(case, params(**changes))) == {name}


def test_gate_judges_probes_and_soundness(first: Case) -> None:
    case = metrics(
        first,
        probes={"base": {"sts": 0.8}, "candidate": {"sts": 0.7}},
        probe_kinds={"sts": "spearman"},
        soundness=first.metrics.soundness.model_copy(update={"unit_norm": False}),
    )
    assert failed(judge(case, params())) == {"forgetting_sts", "unit_norm"}


@pytest.mark.parametrize(
    ("rows", "lost", "holds"), [(40, 1, True), (40, 20, False), (2000, 30, True), (2000, 200, False)]
)
def test_gate_refuses_a_slice_only_where_the_drop_is_no_chance(
    equal: Case, rows: int, lost: int, holds: bool
) -> None:
    # One row of forty is more than max_slice_drop, and nothing that chance would not do.
    team = pl.when(pl.col("row") < rows).then(pl.lit("ours")).otherwise(pl.lit("others"))
    wrong = (pl.col("model") == "candidate") & (pl.col("row") < lost)
    won = pl.when(wrong).then(0.0).otherwise(1.0).cast(pl.Float32)
    case = replace(
        equal,
        traits=equal.traits.with_columns(slice_team=team),
        outcomes=equal.outcomes.with_columns(cos_positive=won, seen=pl.lit(value=False)),
    )
    check = judge(case, params()).checks["slice_team=ours"]
    assert check.value == pytest.approx(-lost / rows)
    assert check.passed is holds


def test_gate_does_not_judge_a_slice_of_few_rows(equal: Case) -> None:
    team = pl.when(pl.col("row") < 29).then(pl.lit("few")).otherwise(pl.lit("many"))
    checked = judge(replace(equal, traits=equal.traits.with_columns(slice_team=team)), params()).checks
    assert "slice_team=many" in checked
    assert "slice_team=few" not in checked


def test_gate_takes_what_is_no_number_for_lost(first: Case) -> None:
    nothing = pl.when(pl.col("model") == "candidate").then(math.nan).otherwise(pl.col("ndcg10"))
    broken = replace(first, retrieved=first.retrieved.with_columns(ndcg10=nothing))
    verdict = judge(broken, params())
    assert verdict.comparisons["base_ndcg_64"].difference == -1.0
    assert {"base_ndcg_64", "not_finite"} <= failed(verdict)


@pytest.mark.parametrize(("table", "column"), [("outcomes", "cos_positive"), ("retrieved", "ndcg10")])
def test_gate_never_passes_a_single_score_that_is_no_number(equal: Case, table: str, column: str) -> None:
    frame: pl.DataFrame = getattr(equal, table)
    first = pl.int_range(pl.len()) == int((frame["model"] == "candidate").arg_max() or 0)
    one = frame.with_columns(pl.when(first).then(math.nan).otherwise(pl.col(column)).alias(column))
    changed: dict[str, Any] = {table: one}
    verdict = judge(replace(equal, **changed), params())
    assert verdict.checks["not_finite"].value == 1.0
    assert failed(verdict) == {"not_finite"}


@pytest.mark.parametrize("model", ["candidate", "live", "anchor"])
@pytest.mark.parametrize(
    ("table", "lost"),
    [
        ("retrieved", pl.col("dim") == 32),
        ("outcomes", pl.col("dim") == 32),
        ("outcomes", pl.col("row") == 7),
        ("outcomes", pl.col("row") < ROWS // 2),
        ("retrieved", pl.col("query") == f"{7:016x}"),
    ],
)
def test_gate_refuses_tables_with_something_missing(
    equal: Case, model: str, table: str, lost: pl.Expr
) -> None:
    frame: pl.DataFrame = getattr(equal, table)
    holed = frame.filter(~(lost & (pl.col("model") == model)))
    changed: dict[str, Any] = {table: holed}
    with pytest.raises(UnmeasuredCheck, match=f"the {model} model has"):
        judge(replace(equal, **changed), params())


def test_gate_refuses_a_row_that_stands_twice(equal: Case) -> None:
    twice = pl.concat([equal.outcomes, equal.outcomes.filter(pl.col("model") == "live").head(1)])
    with pytest.raises(UnmeasuredCheck, match="the live model has 8001"):
        judge(replace(equal, outcomes=twice), params())


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_check_never_passes_on_nan(value: float) -> None:
    assert not thresholds.at_least(math.nan, value).passed
    assert not thresholds.at_most(math.nan, value).passed
    assert thresholds.at_least(math.nan, 0.0).value == "NaN"


@settings(max_examples=200)
@given(st.integers(0, 1000), st.integers(0, 1000), st.integers(1, 1000))
def test_check_of_shares_is_exact(one: int, other: int, rows: int) -> None:
    assert thresholds.at_least(one / rows, other / rows).passed == (one >= other)
    assert thresholds.at_most(one / rows, other / rows).passed == (one <= other)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 40))
def test_gate_never_judges_a_better_candidate_worse(seed: int, gained: int) -> None:
    case = draw(400, EQUAL, seed)
    better = pl.when((pl.col("model") == "candidate") & (pl.col("row") < gained))
    raised = replace(
        case,
        outcomes=case.outcomes.with_columns(cos_positive=better.then(1.0).otherwise(pl.col("cos_positive"))),
    )
    before, after = judge(case, params()), judge(raised, params())
    for name, one in before.comparisons.items():
        assert after.comparisons[name].low >= one.low


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_gate_of_very_few_rows_is_a_no(rows: int) -> None:
    verdict = judge(draw(rows, EQUAL, seed=1), params())
    assert verdict.outcome == "not_comparable"


def test_gate_of_all_equal_outcomes_has_the_bound_of_the_rule_of_three(equal: Case) -> None:
    same = equal.outcomes.with_columns(cos_positive=pl.lit(1.0, dtype=pl.Float32))
    alone = equal.traits.with_columns(component=pl.col("row"))
    verdict = judge(replace(equal, outcomes=same, traits=alone), params(resamples=10000))
    one = verdict.comparisons["live_accuracy_64"]
    assert one.difference == 0
    # Nobody lost of n rows: at most -ln(alpha) / n would have been, at level alpha.
    assert one.low == pytest.approx(math.log(0.01) / ROWS, rel=0.05)


@pytest.mark.parametrize("change", [{"split": "dev"}, {"floors": {64: 0.5, 8: 0.5}}])
def test_gate_refuses_to_check_what_was_never_measured(first: Case, change: dict[str, Any]) -> None:
    with pytest.raises((UnmeasuredCheck, KeyError)):
        judge(first, params(**change))


def test_gate_refuses_probes_and_leaks_that_were_never_measured(first: Case) -> None:
    lacking = [
        metrics(first, probe_kinds={"sts": "spearman"}, probes={"candidate": {"sts": 0.5}, "base": {}}),
        replace(first, audit=first.audit.model_copy(update={"near_train": {}})),
    ]
    for case in lacking:
        with pytest.raises(UnmeasuredCheck):
            judge(case, params())


def test_gate_refuses_a_cluster_that_is_no_column(first: Case) -> None:
    with pytest.raises(InvalidParams, match="'team'; wanted component"):
        judge(first, params(cluster="team"))


@pytest.mark.parametrize("column", ["cos_positive", "cos_negative"])
@pytest.mark.parametrize("model", ["candidate", "live"])
def test_gate_takes_a_cosine_that_is_no_number_for_lost(equal: Case, model: str, column: str) -> None:
    nothing = pl.when(pl.col("model") == model).then(math.nan).otherwise(pl.col(column))
    broken = replace(equal, outcomes=equal.outcomes.with_columns(nothing.cast(pl.Float32).alias(column)))
    verdict = judge(broken, params())
    assert verdict.comparisons["live_accuracy_64"].difference == -1.0
    assert {"live_accuracy_64", "live_accuracy_32"} <= failed(verdict)


def test_gate_passes_a_much_better_candidate_whatever_its_spread(equal: Case) -> None:
    # Half of the queries were lost by the others: seen at once, though the spread exceeds the margin.
    others = (pl.col("model") != "candidate") & (pl.col("component") % 2 == 0)
    lost = pl.when(others).then(0.0).otherwise(pl.col("ndcg10"))
    verdict = judge(replace(equal, retrieved=equal.retrieved.with_columns(ndcg10=lost)), params())
    one = verdict.comparisons["live_ndcg_64"]
    assert one.visible > one.margin
    assert one.low > 0
    assert verdict.passed


def test_gate_reports_few_hard_rows_and_does_not_judge_them(equal: Case) -> None:
    few = replace(equal, traits=equal.traits.with_columns(hard=pl.col("row") < 20))
    verdict = judge(few, params(min_hard_rows=21))
    assert verdict.comparisons["live_hard_64"].rows == 20
    assert not [name for name in verdict.checks if "hard" in name]
    assert "20 comparable hard rows" in verdict.assumptions["live_hard_64"]
    assert "live_hard_64" in judge(few, params(min_hard_rows=20)).checks


def test_gate_of_a_first_release_on_few_rows_is_not_comparable() -> None:
    verdict = judge(draw(60, {"candidate": Truth()}, seed=1), params())
    assert verdict.outcome == "not_comparable"
    assert failed(verdict) == {"base_clusters"}


def test_gate_margin_of_zero_asks_for_no_number_of_rows(equal: Case) -> None:
    none = params(live_margins=Margins(ndcg=0.02, hard=0.05, accuracy=0.0))
    verdict = judge(equal, none)
    assert "live_accuracy_64" in failed(verdict)
    assert verdict.comparisons["live_accuracy_64"].rows_needed == 0


def test_gate_chain_and_bound_of_the_simulation() -> None:
    assert chain(PARAMS, 1500, 2, 1 / 3, seed=1) < 1
    assert upper(0, 500) == pytest.approx(1 - 0.01 ** (1 / 500))
    assert upper(3, 3) == 1.0


def test_gate_writes_verdict_and_look(line: Path) -> None:
    verdict = Verdict.load(line / paths.RECORDS["gate"])
    seen = json.loads((line / "records" / "looks.json").read_text(encoding="utf-8"))
    assert list(seen["candidates"].values()) == [[verdict.candidate]]
    before = (line / "records" / "looks.json").read_bytes()
    gate.run(line, load(line))
    assert (line / "records" / "looks.json").read_bytes() == before


def test_gate_without_readable_looks_refuses(line: Path) -> None:
    (line / "records" / "looks.json").write_text("[]", encoding="utf-8")
    with pytest.raises(BrokenChain, match=r"git checkout records/looks\.json"):
        gate.run(line, load(line))
    shutil.rmtree(line)
