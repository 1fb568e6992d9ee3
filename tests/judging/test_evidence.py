"""What a verdict rests on is read as it was before the candidate's first look."""

from pathlib import Path

import pytest

from pipeline.errors import BrokenChain
from pipeline.judging import evidence
from pipeline.params import load
from pipeline.records.log import Groups, Look, Released
from pipeline.workspace import log, paths
from tests.support import sealed


def a_look(folder: Path, candidate: str, **changes: object) -> str:
    said = {
        "test_digest": "t",
        "groups": Groups(besides=sealed.groups(folder)),
        "gate": {},
        "alpha": 0.01,
        "outcome": "passed",
    }
    return log.append(folder, Look.model_validate({"candidate": candidate} | said | changes)).name


def test_evidence_stands_before_the_first_look_whatever_was_judged_since(ready: Path) -> None:
    params = load(ready)
    before, place = evidence.read(ready, params)
    assert place.first is not None  # the gate wrote it
    assert place.groups == frozenset(sealed.groups(ready))
    assert before.count.number == 1
    a_look(ready, "e" * 64)
    after, later = evidence.read(ready, params)
    assert (after.count, later.first) == (before.count, place.first)
    assert later.standing != place.standing


def test_evidence_counts_what_was_judged_before(ready: Path) -> None:
    a_look(ready, "e" * 64)
    path = ready / paths.RECORDS["evaluate"]
    candidate = evidence.read(ready, load(ready))[0].metrics.candidate.revision
    path.write_text(path.read_text().replace(candidate, "f" * 64))
    found, place = evidence.read(ready, load(ready))
    assert place.first is None
    assert found.count.number == 3
    assert found.count.candidates == 2


def test_evidence_knows_how_the_last_release_was_judged(ready: Path) -> None:
    params = load(ready)
    assert evidence.read(ready, params)[0].last is None
    gate = {"alpha": 0.2}
    look = a_look(ready, "e" * 64, gate=gate, hard=True)
    for version, repo in (("v1", params.release.repo), ("v9", "else/where")):
        log.append(
            ready, Released(repo=repo, commit="c" * 40, version=version, candidate="e" * 64, look=look)
        )
    # Judged again under other values: only then does the gate look at what was released meanwhile.
    assert evidence.read(ready, params)[0].last is None
    loose = params.model_copy(update={"gate": params.gate.model_copy(update={"alpha": 0.2})})
    last = evidence.read(ready, loose)[0].last
    assert last is not None
    assert (last.version, last.gate, last.hard) == ("v1", gate, True)
    assert last.groups == frozenset(sealed.groups(ready))


@pytest.mark.parametrize("path", [paths.OUTCOMES, paths.TRAITS, paths.RECORDS["evaluate"]])
def test_evidence_that_cannot_be_read_is_named(ready: Path, path: str) -> None:
    (ready / path).write_bytes(b"nothing of the kind")
    with pytest.raises(BrokenChain, match=Path(path).name):
        evidence.read(ready, load(ready))
