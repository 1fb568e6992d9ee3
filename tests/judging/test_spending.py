import pytest

from pipeline.judging.spending import count, described, first, level, resolve
from pipeline.records.log import EarlierLooks, Entry, Groups, Look

ALL = frozenset(f"{number:016x}" for number in range(1000))


def look(
    entries: dict[str, Entry], candidate: str, groups: frozenset[str], alpha: float = 0.001
) -> dict[str, Entry]:
    what = Look(
        candidate=candidate,
        test_digest="t",
        groups=described(entries, groups),
        gate={},
        alpha=alpha,
        outcome="failed",
    )
    entry = Entry(after=None, at=f"2026-01-01T00:00:{len(entries):02}+00:00", what=what)
    return {**entries, entry.name: entry}


@pytest.mark.parametrize(
    ("horizon", "wanted"), [(1, 0.05), (5, 0.01), (10, 0.005), (20, 0.005), (104, 0.1 / 104)]
)
def test_level_spends_alpha_in_ten_looks_and_twice_that_up_to_the_horizon(
    horizon: int, wanted: float
) -> None:
    assert level(0.05, horizon) == pytest.approx(wanted)
    assert min(horizon, 10) * level(0.05, horizon) <= 0.05 + 1e-12
    assert horizon * level(0.05, horizon) <= 0.1 + 1e-12


def test_count_goes_up_with_each_candidate_on_the_same_rows() -> None:
    entries: dict[str, Entry] = {}
    for number, candidate in enumerate("abc", start=1):
        assert count(entries, candidate, ALL).number == number
        entries = look(entries, candidate, ALL)
    found = count(entries, "d", ALL)
    assert (found.number, found.candidates) == (4, 3)
    assert found.spent == pytest.approx(0.003)


def test_count_of_a_candidate_that_is_judged_again_stays() -> None:
    entries = look(look({}, "a", ALL), "b", ALL)
    assert count(entries, "b", ALL).number == 2
    assert count(entries, "a", ALL).number == 2


def test_count_hardly_changes_where_one_row_was_added() -> None:
    entries = look(look({}, "a", ALL), "b", ALL)
    assert count(entries, "c", ALL | {"f" * 16}).number == 3


def test_count_goes_down_by_the_share_of_rows_that_are_new() -> None:
    entries: dict[str, Entry] = {}
    for number in range(10):
        entries = look(entries, f"{number}", ALL)
    half_new = ALL | {f"{number:016x}" for number in range(1000, 2000)}
    assert count(entries, "c", half_new).number == 6
    assert count(entries, "c", half_new).spent == pytest.approx(0.005)
    assert count(entries, "c", frozenset({"f" * 16})).number == 1


def test_count_takes_looks_of_before_the_log_for_looks_at_all_their_rows() -> None:
    earlier = Entry(
        after=None,
        at="2026-01-01T00:00:00+00:00",
        what=EarlierLooks(candidates=("a", "b"), groups=Groups(besides=tuple(sorted(ALL)))),
    )
    entries = {earlier.name: earlier}
    assert count(entries, "c", ALL).number == 3
    assert not count(entries, "c", ALL).lost


def test_count_says_where_rows_are_of_a_log_that_is_lost() -> None:
    what = EarlierLooks(candidates=(), groups=Groups(besides=tuple(sorted(ALL))), lost=True)
    entry = Entry(after=None, at="2026-01-01T00:00:00+00:00", what=what)
    assert count({entry.name: entry}, "c", ALL).lost
    assert not count({entry.name: entry}, "c", frozenset({"f" * 16})).lost


def test_groups_are_kept_as_differences_and_come_back_whole() -> None:
    entries = look({}, "a", ALL)
    smaller = frozenset(sorted(ALL)[10:]) | {"f" * 16}
    entries = look(entries, "b", smaller)
    last = list(entries)[-1]
    kept = entries[last].what
    assert isinstance(kept, Look)
    assert (len(kept.groups.without), kept.groups.besides) == (10, ("f" * 16,))
    assert resolve(entries, last, {}) == smaller


def test_first_is_the_look_at_the_very_same_groups() -> None:
    entries = look(look({}, "a", ALL), "b", ALL)
    found = first(entries, "b", ALL)
    assert found is not None
    assert found[0] == list(entries)[1]
    assert first(entries, "b", ALL | {"f" * 16}) is None
    assert first(look(entries, "c", ALL, alpha=0.0), "c", ALL) is None
