"""Looks of an older workspace are taken in once, and a look is written where the log still stands."""

import json
from pathlib import Path

import pytest

from pipeline.errors import BrokenChain
from pipeline.judging import evidence
from pipeline.params import load
from pipeline.records import Audit, Verdict
from pipeline.records.log import EarlierLooks, Look
from pipeline.stages.gate import looks
from pipeline.workspace import log, paths
from tests.support.workspaces import git


def earlier(folder: Path) -> list[EarlierLooks]:
    return [entry.what for entry in log.entries(folder).values() if isinstance(entry.what, EarlierLooks)]


@pytest.fixture
def old(ready: Path) -> Path:
    """A workspace that logged nothing yet."""
    git(ready, "update-ref", "-d", log.REF)
    return ready


def kept(folder: Path, *candidates: str) -> None:
    (folder / looks.FILE).write_text(json.dumps({"candidates": {"digest": candidates}}))


def test_looks_that_git_ever_knew_are_taken_in_once(old: Path) -> None:
    kept(old, "a" * 64, "b" * 64)
    git(old, "add", "--force", looks.FILE)
    git(old, "commit", "--quiet", "--message", "Looks")
    kept(old, "c" * 64, "a" * 64)  # a checkout took the second one out, and a third came
    looks.take_in(old, "test")
    (found,) = earlier(old)
    assert set(found.candidates) == {"a" * 64, "b" * 64, "c" * 64}
    assert len(found.candidates) == 3
    looks.take_in(old, "test")
    assert len(earlier(old)) == 1


def test_nothing_is_taken_in_where_nothing_was_kept(old: Path) -> None:
    looks.take_in(old, "test")
    assert log.entries(old) == {}
    kept(old)
    looks.take_in(old, "test")
    assert log.entries(old) == {}


def test_nothing_is_taken_in_once_the_log_knows_of_a_look(ready: Path) -> None:
    kept(ready, "a" * 64)
    looks.take_in(ready, "test")
    assert earlier(ready) == []


def test_looks_that_cannot_be_read_are_refused(old: Path) -> None:
    (old / looks.FILE).write_text("[]")
    with pytest.raises(BrokenChain, match=r"git checkout records/looks.json"):
        looks.take_in(old, "test")
    assert log.head(old) is None


def test_look_is_written_again_only_where_something_of_it_is_another(ready: Path) -> None:
    params = load(ready)
    verdict = Verdict.load(ready / paths.RECORDS["gate"])
    digest = Audit.load(ready / paths.RECORDS["audit"]).test_digest
    _, place = evidence.read(ready, params)
    before = log.head(ready)
    assert looks.write(ready, place, verdict, digest, params.gate)
    assert log.head(ready) == before
    other = params.gate.model_copy(update={"alpha": 0.2})
    assert looks.write(ready, place, verdict, digest, other)
    judged = [entry.what for entry in log.entries(ready).values() if isinstance(entry.what, Look)]
    assert [look.alpha > 0 for look in judged] == [True, False]  # judged again it spends nothing
    # The log moved on under this place: whoever stood there judges again.
    assert not looks.write(ready, place, verdict, digest, params.gate.model_copy(update={"alpha": 0.3}))
