"""Where a release waits: an earlier try is found again, other people's pull requests stay as they are."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import CommitOperationAdd, HfApi

from pipeline.errors import HubMoved
from pipeline.hub import Hub, PullRequest
from pipeline.workspace import digests
from tests.support.releasing import REPO, clean, commits, refusal, run, tree, waiting


@pytest.fixture
def line(ready: Path) -> Path:
    return ready


def test_publication_opens_no_second_pull_request_where_the_list_lags_behind(
    line: Path, api: HfApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The Hub said yes, and lists what it took a while later."""
    listed = Hub.pull_requests
    looks: list[int] = []

    def lagging(self: Hub, *arguments: object) -> object:
        looks.append(1)
        return [] if len(looks) < 4 else listed(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Hub, "pull_requests", lagging)
    receipt, _ = run(line)
    assert [one.num for one in api.get_repo_discussions(REPO)] == [receipt.pull_request]


def test_publication_leaves_its_own_pull_request_open_until_its_branch_is_listed(
    line: Path, api: HfApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = Hub.pull_requests
    looks: list[int] = []

    def lagging(self: Hub, *arguments: Any) -> list[PullRequest]:
        looks.append(1)
        found = listed(self, *arguments)
        return [replace(one, commit=None) for one in found] if len(looks) < 4 else found

    monkeypatch.setattr(Hub, "pull_requests", lagging)
    receipt, _ = run(line)
    assert [one.num for one in api.get_repo_discussions(REPO)] == [receipt.pull_request]


def test_publication_refuses_a_pull_request_that_somebody_pushed_to(
    line: Path, api: HfApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    download = Hub.download

    def late(self: Hub, *arguments: object, **options: object) -> object:
        answer = download(self, *arguments, **options)  # type: ignore[arg-type]
        api.create_commit(
            REPO, [CommitOperationAdd("theirs.txt", b"x")], commit_message="Mine", revision="refs/pr/1"
        )
        return answer

    monkeypatch.setattr(Hub, "download", late)
    assert "Somebody pushed to it: look at who" in refusal(line, HubMoved)
    assert len(commits(api)) == 1
    assert clean(api)


def test_publication_closes_a_pull_request_of_the_same_name_that_holds_something_else(
    line: Path, api: HfApi
) -> None:
    candidate = digests.digest(line / "model")
    api.create_repo(REPO)
    api.create_commit(
        REPO,
        [CommitOperationAdd("theirs.txt", b"x")],
        commit_message=f"v1: candidate {candidate[:12]}",
        commit_description=f"candidate: {candidate}\non top of: {api.model_info(REPO).sha}",
        create_pr=True,
    )
    receipt, _ = run(line)
    assert receipt.pull_request == 2
    assert api.get_discussion_details(REPO, 1).status == "closed"
    assert "theirs.txt" not in tree(api)


def test_publication_leaves_other_peoples_pull_requests_alone(line: Path, api: HfApi) -> None:
    api.create_repo(REPO)
    theirs = [CommitOperationAdd("theirs.txt", b"x")]
    api.create_commit(REPO, theirs, commit_message="A better README", create_pr=True)
    run(line)
    assert waiting(api) == [1]
