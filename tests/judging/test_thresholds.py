"""A number against a number: NaN never passes, and shares are compared without rounding."""

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.gate.draws import DIMS
from pipeline.errors import UnmeasuredCheck
from pipeline.judging import thresholds
from pipeline.judging.verdict import Evidence, gate
from pipeline.records import Accuracy, Metrics, ModelName, SplitScores
from tests.support.simulated import failed, metrics, params, scoring


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_check_never_passes_on_nan(value: float) -> None:
    assert not thresholds.at_least(math.nan, value).passed
    assert not thresholds.at_most(math.nan, value).passed
    assert not thresholds.above(math.nan, value).passed
    assert thresholds.at_least(math.nan, 0.0).value == "NaN"


def test_check_above_is_strict() -> None:
    assert not thresholds.above(0.5, 0.5).passed
    assert thresholds.above(0.5, 0.4999).passed


@settings(max_examples=200)
@given(st.integers(0, 1000), st.integers(0, 1000), st.integers(1, 1000))
def test_check_of_shares_is_exact(one: int, other: int, rows: int) -> None:
    assert thresholds.at_least(one / rows, other / rows).passed == (one >= other)
    assert thresholds.at_most(one / rows, other / rows).passed == (one <= other)


@pytest.mark.parametrize("floor", [0.0, 1.0])
def test_gate_takes_a_floor_of_zero_for_a_floor(first: Evidence, floor: float) -> None:
    verdict = gate(first, params(floors=dict.fromkeys(DIMS, floor)))
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
def test_gate_refuses_what_a_plain_check_finds(first: Evidence, changes: dict[str, Any], name: str) -> None:
    audit = first.audit.model_copy(update={"rejected_share": 0.001, "near_train": {"test": 3}})
    test = first.metrics.candidate.splits["test"]
    least = test.retrieval[32].model_copy(update={"ndcg10": test.retrieval[64].ndcg10 * 0.99})
    retained: SplitScores = test.model_copy(update={"retrieval": {**test.retrieval, 32: least}})
    models = scoring(first.metrics, {"candidate": {"splits": {"test": retained}}})
    case = metrics(replace(first, audit=audit), models=models)
    assert gate(case, params()).passed
    assert failed(gate(case, params(**changes))) == {name}


def test_gate_judges_probes_and_soundness(first: Evidence) -> None:
    case = metrics(
        first,
        models=scoring(
            first.metrics, {"base": {"probes": {"sts": 0.8}}, "candidate": {"probes": {"sts": 0.7}}}
        ),
        probe_measures={"sts": "spearman"},
        soundness=first.metrics.soundness.model_copy(update={"unit_norm": False}),
    )
    assert failed(gate(case, params())) == {"forgetting_sts", "unit_norm"}


def test_gate_refuses_probes_and_leaks_that_were_never_measured(first: Evidence) -> None:
    models = scoring(first.metrics, {"candidate": {"probes": {"sts": 0.5}}})
    lacking = [
        metrics(first, probe_measures={"sts": "spearman"}, models=models),
        replace(first, audit=first.audit.model_copy(update={"near_train": {}})),
    ]
    for case in lacking:
        with pytest.raises(UnmeasuredCheck):
            gate(case, params())


@pytest.mark.parametrize(("floor", "proven"), [(0.96, False), (0.98, True)])
def test_gate_holds_a_floor_for_missed_for_sure_where_the_whole_interval_lies_below(
    equal: Evidence, floor: float, proven: bool
) -> None:
    split = equal.metrics.candidate.splits["test"]
    near = Accuracy(accuracy=0.95, low=0.93, high=0.97, rows=400)
    scored = split.model_copy(update={"triplets": dict.fromkeys(split.triplets, near)})
    models = scoring(equal.metrics, {"candidate": {"splits": {"test": scored}}})
    found = equal.metrics.model_copy(update={"models": models})
    asked = params(floors=dict.fromkeys(params().floors, floor))
    checks = thresholds.proven_missed(equal.audit, found, asked)
    assert {checks[f"floor_{dim}"].passed for dim in asked.floors} == {not proven}
    assert not any(
        thresholds.threshold_checks(equal.audit, found, asked)[f"floor_{dim}"].passed for dim in asked.floors
    )


def _keeping(found: Metrics, kept: dict[ModelName, dict[int, float]]) -> Metrics:
    """Give some models other nDCG@10 by width, and no other width."""
    changes: dict[ModelName, dict[str, Any]] = {}
    for name, by_width in kept.items():
        split = found.models[name].splits["test"]
        one = split.retrieval[64]
        retrieval = {dim: one.model_copy(update={"ndcg10": ndcg}) for dim, ndcg in by_width.items()}
        changes[name] = {"splits": {"test": split.model_copy(update={"retrieval": retrieval})}}
    return found.model_copy(update={"models": scoring(found, changes)})


@pytest.mark.parametrize(
    ("of", "value", "wanted"),
    [(None, 0.75, 0.97), ("base", 0.75, 0.97 * 0.75), ("live", 0.75, 0.97 * 0.875)],
)
def test_gate_takes_retention_as_a_share_of_what_another_model_keeps(
    equal: Evidence, of: str | None, value: float, wanted: float
) -> None:
    found = _keeping(
        equal.metrics,
        {"candidate": {64: 0.8, 32: 0.6}, "base": {64: 0.4, 32: 0.3}, "live": {64: 0.8, 32: 0.7}},
    )
    asked = params(retention=0.97, retention_of=of)
    check = thresholds.threshold_checks(equal.audit, found, asked)["retention"]
    assert check.value == pytest.approx(value)
    assert check.wanted == pytest.approx(wanted)
    assert check.passed == (of == "base")


def test_gate_takes_the_base_where_no_live_model_keeps_anything(first: Evidence, equal: Evidence) -> None:
    asked = params(retention=0.97, retention_of="live")
    kept: dict[ModelName, dict[int, float]] = {"candidate": {64: 0.8, 32: 0.6}, "base": {64: 0.4, 32: 0.3}}
    narrow: dict[ModelName, dict[int, float]] = {"live": {64: 0.8}}
    for case, found in ((first, kept), (equal, kept | narrow)):
        check = thresholds.threshold_checks(case.audit, _keeping(case.metrics, found), asked)["retention"]
        assert check.wanted == pytest.approx(0.97 * 0.75)


def test_gate_takes_the_candidates_own_share_where_the_base_finds_nothing(first: Evidence) -> None:
    nothing: dict[ModelName, dict[int, float]] = {"base": {64: 0.0, 32: 0.0}}
    for least, passed in ((0.6, False), (0.79, True)):
        found = _keeping(first.metrics, nothing | {"candidate": {64: 0.8, 32: least}})
        asked = params(retention=0.97, retention_of="base")
        check = thresholds.threshold_checks(first.audit, found, asked)["retention"]
        assert check.wanted == pytest.approx(0.97)
        assert check.passed is passed
    found = _keeping(first.metrics, {"candidate": {64: 0.0, 32: 0.0}})
    assert not thresholds.threshold_checks(first.audit, found, params(retention=0.97))["retention"].passed
