"""What a verdict says of its differences and failures."""

from typing import Any

import pytest

from pipeline.records import Check, Comparison, Difference
from tests.support import sealed

COUNTED: dict[str, Any] = {"alpha": 0.01, "rows": 10, "clusters": 10, "left_out": 0}
JUDGED: dict[str, Any] = {"margin": 0.02, "visible": 0.01, "rows_needed": 5}


@pytest.mark.parametrize(
    ("low", "high", "proven"),
    [(0.01, 0.02, "higher"), (-0.02, -0.01, "lower"), (-0.01, 0.01, None), (0, 0, None)],
)
def test_difference_is_proven_where_its_interval_is_on_one_side(
    low: float, high: float, proven: str | None
) -> None:
    assert Difference(difference=0, low=low, high=high, **COUNTED).proven == proven


def test_differences_to_another_model_are_all_of_them_whether_judged_or_not() -> None:
    reported = Difference(difference=0.1, low=0, high=1, **COUNTED)
    compared = Comparison(difference=0.2, low=0, high=1, **COUNTED, **JUDGED)
    verdict = sealed.verdict(
        "c" * 64,
        comparisons={"live_ndcg_1024": compared},
        reported={"live_accuracy_64": reported, "base_ndcg_64": reported},
    )
    assert verdict.differences("live") == {("ndcg", 1024): compared, ("accuracy", 64): reported}
    assert verdict.differences("anchor") == {}


def test_failures_are_the_checks_that_did_not_pass() -> None:
    good = Check(value=1, rule=">=", wanted=0, passed=True)
    bad = good.model_copy(update={"passed": False})
    assert sealed.verdict("c" * 64, checks={"a": good, "b": bad}).failures() == {"b": bad}


@pytest.mark.parametrize(
    ("value", "rule", "wanted", "narrow"),
    [
        (0.5004, ">=", 0.5, True),
        (0.5011, ">=", 0.5, False),
        (-0.0301, ">=", -0.0302, True),
        (0.0196, "<=", 0.02, True),
        (0.0, "<=", 0.0, False),  # no share is smaller
        (1.0, ">=", 1.0, False),
        (300.0, ">=", 300.0, False),  # a count
        (True, "==", True, False),
    ],
)
def test_verdict_knows_what_passed_narrowly(value: float, rule: str, wanted: float, narrow: bool) -> None:
    check = {"value": value, "rule": rule, "wanted": wanted, "passed": True}
    assert bool(sealed.verdict("c", checks={"one": check}).narrow(0.001)) is narrow
