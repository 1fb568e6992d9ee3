"""Whoever changed anything since the last release is compared with what is deployed, or goes nowhere."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from pipeline.errors import InvalidParams, ReleaseRefused
from pipeline.params import load
from pipeline.records import RepoRef, Verdict
from pipeline.records.log import Deployed
from pipeline.workspace import log, paths, receipts
from tests.conftest import Make, Stage
from tests.support import releasing, sealed, workspaces
from tests.support.workspaces import git, set_params

REPO = "tester/compared"
REFRESH = "Run `katman refresh`"


@dataclass(frozen=True)
class Room:
    """A workspace, worked in as a user does."""

    folder: Path
    env: dict[str, str]

    def dvc(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["dvc", *arguments], cwd=self.folder, env=self.env, capture_output=True, text=True, check=False
        )

    def katman(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return workspaces.pipeline(self.folder, self.env, *arguments)

    def done(self, *arguments: str) -> str:
        ran = self.dvc("repro") if arguments == ("repro",) else self.katman(*arguments)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    def verdict(self) -> Verdict:
        return Verdict.load(self.folder / paths.RECORDS["gate"])

    def ran(self, said: str) -> list[str]:
        return [part.split("'")[0] for part in said.split("Running stage '")[1:]]


@pytest.fixture
def room(make_workspace: Make, stage: Stage, tmp_path: Path) -> Room:
    """A workspace of which v1 is released and deployed."""
    workspaces.forget(stage.endpoint, REPO)
    folder = make_workspace({"live.repo": REPO, "release.repo": REPO})
    made = Room(folder, workspaces.environment(stage.endpoint, tmp_path / "home"))
    made.done("repro")
    made.done("release")
    made.done("deployed", "v1")
    return made


@pytest.mark.long
def test_change_of_the_learning_rate_is_compared_with_what_is_deployed_or_goes_nowhere(room: Room) -> None:
    first = receipts.for_repo(room.folder, REPO)[0]
    assert room.done("refresh") == "nothing moved\n"
    assert room.ran(room.done("repro")) == []
    set_params(room.folder, {"train.learning_rate": 0.002})
    said = re.search(r"^live +(.*)$", room.done("check"), flags=re.MULTILINE)
    assert said is not None
    assert said[1].startswith(f"v1 of {REPO} is deployed")
    assert said[1].endswith("run `katman refresh`")
    stopped = room.dvc("repro")
    assert stopped.returncode != 0
    assert REFRESH in stopped.stderr
    assert room.ran(stopped.stdout)[-1] == "train"
    refused = room.katman("release")
    assert refused.returncode == 1
    assert REFRESH in refused.stderr
    assert len(receipts.for_repo(room.folder, REPO)) == 1

    assert f"live.revision      {first.commit}" in room.done("refresh")
    room.done("repro")
    verdict = room.verdict()
    assert not verdict.first_release
    assert verdict.compared_with["live"] == first.commit
    if verdict.needs_human:
        room.done("approve", "--name", "Ada", "--reason", "the index is made anew")
    room.done("release")
    second = receipts.for_repo(room.folder, REPO)[-1]
    assert second.live is not None
    assert (second.version, second.live.revision) == ("v2", first.commit)
    assert load(room.folder).live.revision == first.commit
    assert git(room.folder, "status", "--porcelain") == ""


def test_release_refuses_a_first_releases_verdict_where_there_is_a_release(ready: Path, api: HfApi) -> None:
    first, _ = releasing.run(ready)
    releasing.second(ready, first_release=True)
    said = releasing.refusal(ready, ReleaseRefused)
    assert f"judged as a first release, and v1 of {releasing.REPO} is the newest release" in said
    assert REFRESH in said
    assert f"write its commit {first.commit} into live.revision" in said
    assert list(releasing.tags(api)) == ["v1"]


@pytest.mark.parametrize("change", [{"train.learning_rate": 0.5}, {"dataset.revision": "e" * 40}])
def test_release_refuses_whoever_changed_anything_and_did_not_refresh(
    ready: Path, api: HfApi, change: dict[str, object]
) -> None:
    """Before it looks at any record: after a `dvc repro` that was stopped there are none to look at."""
    releasing.run(ready)
    set_params(ready, change)
    shutil.rmtree(ready / "model")
    said = releasing.refusal(ready, InvalidParams)
    assert "live.revision is null" in said
    assert REFRESH in said
    assert list(releasing.tags(api)) == ["v1"]


def test_release_asks_the_tag_once_more(ready: Path, api: HfApi) -> None:
    first, _ = releasing.run(ready)
    releasing.second(ready)
    before = releasing.commits(api)
    api.create_tag(releasing.REPO, tag="deployed", revision=before[-1])
    said = releasing.refusal(ready, ReleaseRefused)
    assert f"the tag deployed of {releasing.REPO} points to {before[-1][:12]} by now" in said
    assert f"compared with {first.commit[:12]}" in said
    assert releasing.commits(api) == before
    api.delete_tag(releasing.REPO, tag="deployed")
    api.create_tag(releasing.REPO, tag="deployed", revision=first.commit)
    second, _ = releasing.run(ready)
    assert second.live == RepoRef(repo=releasing.REPO, revision=first.commit)


def test_release_believes_the_log_where_the_token_could_not_move_the_tag(ready: Path, api: HfApi) -> None:
    first, _ = releasing.run(ready)
    parent = releasing.commits(api)[-1]
    api.create_tag(releasing.REPO, tag="deployed", revision=parent)
    log.append(ready, Deployed(repo=releasing.REPO, commit=first.commit, version="v1", tagged=parent))
    releasing.second(ready)
    second, _ = releasing.run(ready)
    assert second.version == "v2"


def test_release_that_stands_needs_no_refresh(ready: Path, api: HfApi) -> None:
    first, _ = releasing.run(ready)
    set_params(ready, {"card.domain": "other", "gate.alpha": 0.01})
    sealed.seal(ready)
    assert releasing.run(ready) == (first, True)
