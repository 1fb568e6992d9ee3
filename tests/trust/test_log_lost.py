"""A log that is lost is missed at the next release, comes back from where it was kept, or spends all rows."""

import json
import subprocess
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from pipeline.commands import looks
from pipeline.errors import InvalidWorkspace, ReleaseRefused
from pipeline.hub import Hub
from pipeline.judging import spending
from pipeline.params import load
from pipeline.publishing import log_state
from pipeline.records import Verdict
from pipeline.records.log import Groups, Look, Released
from pipeline.stages.gate import step as gate
from pipeline.workspace import log, paths, receipts
from tests.support import releasing, sealed
from tests.support.workspaces import git


def lose(folder: Path) -> None:
    git(folder, "update-ref", "-d", log.REF)


def another_look(folder: Path) -> None:
    """Another candidate is judged meanwhile."""
    log.append(
        folder,
        Look(
            candidate="e" * 64,
            test_digest="t",
            groups=Groups(besides=sealed.groups(folder)),
            gate={},
            alpha=0.01,
            outcome="failed",
        ),
    )


def kept(tmp_path: Path) -> str:
    remote = tmp_path / "kept.git"
    subprocess.run(["git", "init", "--quiet", "--bare", str(remote)], check=True)
    return str(remote)


def test_release_says_how_far_the_log_had_grown_and_tells_it(ready: Path, api: HfApi) -> None:
    another_look(ready)
    receipt, _ = releasing.run(ready)
    assert receipt.log is not None
    gate_params = load(ready).gate
    level = spending.level(gate_params.alpha, gate_params.max_looks)
    assert (receipt.log.looks, receipt.log.alpha_spent) == (1, level)
    assert log.holds(ready, receipt.log.head)
    statement = json.loads(
        Path(api.hf_hub_download(releasing.REPO, "provenance.json", revision=receipt.commit)).read_bytes()
    )
    said = statement["predicate"]["buildDefinition"]["internalParameters"]["log"]
    assert said == receipt.log.model_dump()
    assert not [group for group in sealed.groups(ready) if group in json.dumps(statement)]
    told = [entry.what for entry in log.entries(ready).values() if isinstance(entry.what, Released)]
    assert [(one.version, one.candidate) for one in told] == [("v1", receipt.candidate)]
    assert releasing.run(ready) == (receipt, True)
    assert len(log.entries(ready)) == 3


def test_release_makes_equal_bytes_whatever_was_judged_since(ready: Path, api: HfApi) -> None:
    candidate = Verdict.load(ready / paths.RECORDS["gate"]).candidate
    hub = Hub(load(ready).hub)
    before = log_state.demand(ready, hub, releasing.REPO, candidate)
    another_look(ready)
    assert log_state.demand(ready, hub, releasing.REPO, candidate) == before


@pytest.mark.parametrize("by", ["receipt", "hub"])
def test_release_refuses_where_a_release_knows_more_looks_than_the_log(
    ready: Path, api: HfApi, tmp_path: Path, by: str
) -> None:
    remote = kept(tmp_path)
    first, _ = releasing.run(ready)
    log.push(ready, remote)
    lose(ready)
    if by == "hub":  # as in a clone whose receipt is one of before the log
        path = ready / paths.receipt(first.commit)
        path.write_text(first.model_copy(update={"log": None}).model_dump_json(), encoding="utf-8")
    releasing.second(ready)
    said = releasing.refusal(ready, ReleaseRefused)
    assert ("provenance.json on main" if by == "hub" else "newest receipt") in said
    assert "knows 1 candidates" in said
    assert "katman looks --fetch REMOTE" in said
    assert "katman looks --lost" in said
    assert list(releasing.tags(api)) == ["v1"]
    found = looks.run(ready, load(ready), fetch=remote)
    assert found.state is not None
    assert found.state.looks == 2
    second, _ = releasing.run(ready)
    assert second.log is not None
    assert second.log.looks == 1  # what the clone without the log knew at its candidate's look


def test_release_goes_on_where_the_log_was_declared_lost(ready: Path, api: HfApi) -> None:
    first, _ = releasing.run(ready)
    lose(ready)
    releasing.second(ready)
    releasing.refusal(ready, ReleaseRefused)
    assert "1 candidates" in looks.summary(looks.run(ready, load(ready), lost=True))
    assert first.log is not None
    assert log_state.covered(ready, first.log)
    second, _ = releasing.run(ready)
    assert second.version == "v2"


def test_release_refuses_a_candidate_whose_look_the_log_does_not_hold(ready: Path, api: HfApi) -> None:
    lose(ready)
    assert "holds no look of candidate" in releasing.refusal(ready, ReleaseRefused)
    assert releasing.commits(api) == []


def test_old_releases_know_nothing(ready: Path, api: HfApi) -> None:
    first, _ = releasing.run(ready)
    path = ready / paths.receipt(first.commit)
    path.write_text(first.model_copy(update={"log": None}).model_dump_json(exclude={"log"}), encoding="utf-8")
    receipt = receipts.latest(ready, releasing.REPO)
    assert receipt is not None
    assert receipt.log is None


def test_looks_of_a_lost_log_are_all_spent(line: Path) -> None:
    before = looks.summary(looks.run(line, load(line)))
    assert "1 candidates were judged" in before
    assert "the next candidate is look 2 of" in before
    lose(line)
    after = looks.summary(looks.run(line, load(line), lost=True))
    assert "judge no more" in after
    gate.run(line, load(line))
    verdict = Verdict.load(line / paths.RECORDS["gate"])
    assert (verdict.outcome, verdict.passed) == ("test_spent", False)


def test_looks_refuses_a_remote_without_a_log(ready: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidWorkspace, match="has no refs/katman/log"):
        looks.run(ready, load(ready), fetch=kept(tmp_path))


def test_looks_shows_nothing_before_the_first_step(ready: Path) -> None:
    lose(ready)
    (ready / paths.TRAITS).unlink()
    said = looks.summary(looks.run(ready, load(ready)))
    assert "nothing was logged yet" in said
    assert "none here yet" in said
