"""The gate at its edges, on cases that the simulation draws; `bench.gate` measures its error rates."""

from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from bench.gate.draws import DIMS, EQUAL, Truth, draw
from pipeline.errors import UnmeasuredCheck
from pipeline.judging.spending import Count
from pipeline.judging.verdict import Evidence, gate
from pipeline.records import ModelName
from tests.support.simulated import ROWS, failed, params


def test_gate_passes_an_equal_candidate_and_says_what_it_saw(equal: Evidence) -> None:
    verdict = gate(equal, params())
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


def test_gate_gives_the_same_verdict_twice_and_in_any_order(equal: Evidence) -> None:
    turned = replace(
        equal,
        outcomes=equal.outcomes.sample(fraction=1, shuffle=True, seed=1),
        retrieved=equal.retrieved.sample(fraction=1, shuffle=True, seed=2),
        traits=equal.traits.sample(fraction=1, shuffle=True, seed=3),
    )
    assert gate(equal, params()) == gate(equal, params())
    # Sums in another order differ in their last digits, and nothing else does.
    one, other = gate(equal, params()), gate(turned, params())
    assert one.outcome == other.outcome
    for name, found in one.comparisons.items():
        assert found.low == pytest.approx(other.comparisons[name].low, abs=1e-12)


@pytest.mark.parametrize(
    ("truth", "metric"), [(Truth(accuracy=0.02), "accuracy"), (Truth(ndcg=0.06), "ndcg")]
)
def test_gate_refuses_a_candidate_that_is_worse_in_one_metric(truth: Truth, metric: str) -> None:
    verdict = gate(draw(ROWS, EQUAL | {"candidate": truth}, seed=4), params())
    assert not verdict.passed
    assert {f"{other}_{metric}_{dim}" for other in ("live", "anchor") for dim in DIMS} <= failed(verdict)


def test_gate_refuses_small_losses_that_add_up_against_the_anchor() -> None:
    loses = Truth(ndcg=0.05)
    truths: dict[ModelName, Truth] = {"candidate": loses, "live": loses, "anchor": Truth()}
    verdict = gate(draw(ROWS, truths, seed=5), params())
    assert {name.split("_")[0] for name in failed(verdict)} == {"anchor"}
    assert not verdict.better_than_anchor


def test_gate_of_a_first_release_has_floors_and_the_base(first: Evidence) -> None:
    verdict = gate(first, params())
    assert verdict.passed
    assert verdict.first_release
    assert verdict.better_than_anchor
    assert set(verdict.comparisons) == {"base_ndcg_64"}
    assert "first" in verdict.assumptions
    high = gate(first, params(base_min_gain=0.5))
    assert failed(high) == {"base_ndcg_64"}


def test_gate_refuses_a_first_release_no_better_than_the_base(first: Evidence) -> None:
    same = first.retrieved.filter(pl.col("model") == "candidate").with_columns(model=pl.lit("base"))
    retrieved = pl.concat([first.retrieved.filter(pl.col("model") != "base"), same])
    assert failed(gate(replace(first, retrieved=retrieved), params())) == {"base_ndcg_64"}


def test_gate_stops_when_the_looks_are_spent(equal: Evidence) -> None:
    last = gate(replace(equal, count=Count(number=5, spent=0.04, candidates=4, lost=False)), params())
    assert (last.outcome, last.look, last.looks_left) == ("passed", 5, 0)
    assert "No more may be judged" in last.assumptions["looks"]
    spent = gate(replace(equal, count=Count(number=6, spent=0.05, candidates=5, lost=False)), params())
    assert (spent.outcome, spent.look, spent.looks_left) == ("test_spent", 6, 0)
    assert failed(spent) == {"look"}


def test_gate_takes_rows_whose_looks_nobody_knows_for_spent(equal: Evidence) -> None:
    lost = gate(replace(equal, count=Count(number=1, spent=0.0, candidates=0, lost=True)), params())
    assert lost.outcome == "test_spent"
    assert failed(lost) == {"looks_known"}


def test_gate_spends_twice_alpha_up_to_its_horizon_and_says_so_ten_looks_ahead(equal: Evidence) -> None:
    far = gate(equal, params(max_looks=104))
    assert far.comparisons["live_accuracy_64"].alpha == pytest.approx(0.1 / 104)
    assert "the first 10 together" in far.assumptions["looks"]
    assert "all 104 in at most 10%" in far.assumptions["looks"]
    assert "more may be judged" not in far.assumptions["looks"]
    near = replace(equal, count=Count(number=94, spent=0.0, candidates=93, lost=False))
    assert "10 more may be judged" in gate(near, params(max_looks=104)).assumptions["looks"]


@pytest.mark.parametrize("change", [{"split": "dev"}, {"floors": {64: 0.5, 8: 0.5}}])
def test_gate_refuses_to_check_what_was_never_measured(first: Evidence, change: dict[str, Any]) -> None:
    with pytest.raises(UnmeasuredCheck):
        gate(first, params(**change))
