"""Entries of the log: their names, and what all of them spent."""

from typing import Any

from pipeline.records.log import EarlierLooks, Entry, Groups, Held, Look, total


def look(candidate: str, alpha: float, **changes: Any) -> Look:
    values: dict[str, Any] = {"test_digest": "t", "groups": Groups(), "gate": {}, "outcome": "failed"}
    return Look.model_validate(values | {"candidate": candidate, "alpha": alpha} | changes)


def entries(*found: Any) -> dict[str, Entry]:
    made = [Entry(after=None, at=str(place), what=what) for place, what in enumerate(found)]
    return {one.name: one for one in made}


def test_entry_is_named_by_its_bytes() -> None:
    one = Entry(after=None, at="2026-01-01", what=Held(lines=("a",)))
    assert one.name == Entry.model_validate_json(one.dump()).name
    assert one.name != one.model_copy(update={"after": "c" * 40}).name


def test_candidates_count_once_and_each_look_is_spent() -> None:
    found = entries(
        look("a", 0.01), look("a", 0.0), look("b", 0.01), EarlierLooks(candidates=("b", "c"), groups=Groups())
    )
    assert total(found) == (3, 0.02)
    assert total({}) == (0, 0.0)


def test_sum_of_many_small_levels_is_exact() -> None:
    assert total(entries(*(look(str(n), 0.1) for n in range(10))))[1] == 1.0
