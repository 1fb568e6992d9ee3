import json
from dataclasses import replace
from typing import Any

import pytest

from pipeline.judging.loosened import LOOSER, LastReleased, Now, rows_left, sentences
from pipeline.judging.verdict import Evidence, gate
from pipeline.params.gate import GateParams
from tests.support.simulated import params

GROUPS = frozenset(f"{number:016x}" for number in range(100))


def last(**changes: Any) -> LastReleased:
    values = json.loads(params().model_dump_json())
    return LastReleased("v3", values | changes, GROUPS, hard=True)


def now(groups: frozenset[str] = GROUPS, *, hard: bool = True, look: int = 2, **changes: Any) -> Now:
    return Now(GateParams.model_validate(params().model_dump() | changes), groups, hard, look)


def changed(**changes: Any) -> Now:
    return now(**changes)


def test_every_value_of_the_gate_has_a_way_in_which_it_is_looser() -> None:
    assert {*LOOSER, "max_looks", "infeasible"} == set(GateParams.model_fields)


def test_equal_values_and_rows_are_not_looser() -> None:
    assert sentences(last(), now()) == {}
    assert sentences(None, now(alpha=0.4)) == {}


@pytest.mark.parametrize(
    ("key", "before", "after"),
    [
        ("alpha", 0.01, 0.05),
        ("retention", 0.97, 0.5),
        ("min_clusters", 100, 50),
        ("min_hard_rows", 100, 200),
        ("min_hard_rows", None, 200),
        ("min_hard_rows", 100, None),
        ("base_min_gain", 0.1, 0.0),
        ("reembed_min_gain", 0.1, 0.0),
        ("max_forgetting", 0.01, 0.1),
        ("max_slice_drop", 0.01, 0.1),
        ("max_leak_share", 0.01, 0.1),
        ("max_rejected_share", 0.01, 0.1),
        ("max_rows_left", 0.05, 0.5),
        ("cluster", "component", "region"),
        ("split", "test", "dev"),
        ("seed", 1, 2),
        ("resamples", 10000, 200),
    ],
)
def test_looser_value_is_named_and_the_way_back_is_not(key: str, before: Any, after: Any) -> None:
    said = sentences(last(**{key: before}), changed(**{key: after}))
    assert list(said) == [key]
    assert f"gate.{key} is " in said[key]
    assert "when v3 was judged" in said[key]
    back = sentences(last(**{key: after}), changed(**{key: before}))
    assert (back == {}) == (LOOSER[key] != "other" and None not in (before, after))


def test_margins_and_floors_are_named_one_by_one() -> None:
    wide = {"ndcg": 0.5, "hard": 0.0, "accuracy": params().live_margins.accuracy}
    assert list(sentences(last(), now(live_margins=wide))) == ["live_margins.ndcg"]
    floors = {64: 0.4}
    assert set(sentences(last(floors={"64": 0.5, "32": 0.5}), now(floors=floors))) == {
        "floors.64",
        "floors.32",
    }


def test_key_of_a_newer_katman_is_compared_with_nothing() -> None:
    values = dict(last().gate)
    del values["max_rows_left"]
    assert sentences(LastReleased("v3", values, GROUPS, hard=True), now(max_rows_left=1.0)) == {}


def test_more_looks_are_named_where_the_rows_were_spent_or_each_look_may_err_more() -> None:
    before = last(alpha=0.05, max_looks=2)
    assert sentences(before, now(max_looks=1000, look=2)) == {}
    spent = sentences(before, now(max_looks=1000, look=3))
    assert "these test rows were spent, and this is look 3" in spent["max_looks"]
    fewer = sentences(last(alpha=0.05, max_looks=104), now(max_looks=5))
    assert "each look may err with 0.01 instead of" in fewer["max_looks"]


def test_smaller_split_and_a_hard_subset_that_decides_nothing_are_named() -> None:
    fewer = frozenset(sorted(GROUPS)[:97])
    assert "has 97 groups of rows, and had 100" in sentences(last(), now(fewer))["smaller"]
    assert "decides nothing" in sentences(last(), now(hard=False))["hard"]


def test_rows_that_left_are_counted_even_where_others_came() -> None:
    other = frozenset([*sorted(GROUPS)[:90], *(f"{number:016x}" for number in range(500, 600))])
    assert rows_left(None, other, 0.05) == {}
    check = rows_left(last(), other, 0.05)["rows_left"]
    assert (check.value, check.wanted, check.passed) == (0.1, 0.05, False)
    assert rows_left(last(), GROUPS, 0.0)["rows_left"].passed
    assert "smaller" not in sentences(last(), now(other))


def test_verdict_of_a_split_that_lost_rows_failed(equal: Evidence) -> None:
    groups = frozenset(equal.traits["group"])
    stayed = gate(replace(equal, last=LastReleased("v1", {}, groups, hard=False)), params())
    assert (stayed.outcome, stayed.loosened) == ("passed", {})
    assert stayed.checks["rows_left"].value == 0.0
    gone = frozenset(f"{number:015d}x" for number in range(len(groups)))
    left = gate(replace(equal, last=LastReleased("v1", {}, groups | gone, hard=False)), params())
    assert (left.outcome, left.checks["rows_left"].value) == ("failed", 0.5)
    assert list(left.loosened) == ["smaller"]
