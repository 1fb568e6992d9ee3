"""`looks` shows how the log stands, and takes in what is elsewhere."""

from pathlib import Path

from pipeline.commands import looks
from pipeline.judging.spending import Count
from pipeline.params import load
from pipeline.records import LogState
from pipeline.workspace import log, paths
from tests.support import sealed
from tests.support.workspaces import git


def count(number: int, *, lost: bool = False) -> Count:
    return Count(number=number, spent=0.0, candidates=number - 1, lost=lost)


def test_looks_counts_the_candidate_and_what_is_left(ready: Path) -> None:
    found = looks.run(ready, load(ready))
    assert found.state is not None
    assert (found.state.head, found.state.looks) == (log.head(ready), 1)
    assert found.rows == len(sealed.groups(ready))
    assert found.next_look is not None
    assert found.next_look.number == 2
    assert looks.run(ready, load(ready)) == found  # to ask changes nothing


def test_looks_before_the_first_step_and_before_the_first_audit(ready: Path) -> None:
    (ready / paths.TRAITS).unlink()
    assert looks.run(ready, load(ready)).rows is None
    git(ready, "update-ref", "-d", log.REF)
    found = looks.run(ready, load(ready))
    assert (found.state, found.next_look) == (None, None)
    said = looks.summary(found).splitlines()
    assert said == ["log        nothing was logged yet", "test rows  none here yet: run `dvc repro`"]


def test_looks_says_what_is_left() -> None:
    state = LogState(head="a" * 40, looks=3, alpha_spent=0.015)
    lines = looks.summary(looks.Looks(state, 90, count(4), 5)).splitlines()
    assert lines == [
        "log        refs/katman/log at aaaaaaaaaaaa",
        "looks      3 candidates were judged; spent 0.015 of the error rate",
        "test rows  90 groups; the next candidate is look 4 of 5, 2 left",
    ]
    assert "look 7 of 5, 0 left" in looks.summary(looks.Looks(state, 90, count(7), 5))
    assert "they judge no more" in looks.summary(looks.Looks(state, 90, count(1, lost=True), 5))
    assert looks.summary(looks.Looks(state, None, None, 5, "it is away")).endswith(": it is away")
