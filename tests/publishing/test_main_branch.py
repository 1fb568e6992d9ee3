"""What main may be before a release, and what it becomes again after one that failed."""

from pathlib import Path

import pytest
from huggingface_hub import CommitOperationAdd, HfApi

from pipeline.errors import BrokenChain, HubMoved, ReleaseRefused
from pipeline.hub import Hub
from pipeline.params import load
from pipeline.publishing import main_branch
from pipeline.workspace import receipts
from tests.support import sealed
from tests.support.records import adopted
from tests.support.releasing import REPO, commits, refusal, run, second, tags, tree
from tests.support.workspaces import set_params


@pytest.fixture
def line(ready: Path) -> Path:
    return ready


def wrong_tree(monkeypatch: pytest.MonkeyPatch, api: HfApi) -> None:
    """Let a stranger's file slip into the merge, as a commit in the last moment would."""
    merge = Hub.merge

    def slip(self: Hub, repo: str, number: int) -> object:
        api.create_commit(repo, [CommitOperationAdd("theirs.txt", b"x")], commit_message="Mine")
        return merge(self, repo, number)

    monkeypatch.setattr(Hub, "merge", slip)


def test_publication_gives_main_the_tree_of_the_first_parent_back(
    line: Path, api: HfApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = run(line)
    second(line)
    with monkeypatch.context() as patch:
        wrong_tree(patch, api)
        message = refusal(line, BrokenChain)
    stranger = commits(api)[2]
    assert "is not the tree that was verified" in message
    assert f"main of {REPO} holds the files of {stranger[:12]} again, by the new commit" in message
    assert tree(api) == tree(api, stranger)
    assert "theirs.txt" in tree(api)
    assert tags(api) == {"v1": first.commit}
    assert not (line / "receipts" / f"{commits(api)[1]}.json").exists()
    # It stays a stranger's commit: the next one does not overwrite it either.
    assert "which no receipt here names" in refusal(line, ReleaseRefused)


def test_publication_puts_nothing_back_where_main_has_moved_on(
    line: Path, api: HfApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    merge = Hub.merge

    def then(self: Hub, repo: str, number: int) -> object:
        answer = merge(self, repo, number)
        api.create_commit(repo, [CommitOperationAdd("theirs.txt", b"x")], commit_message="Mine")
        return answer

    monkeypatch.setattr(Hub, "merge", then)
    message = refusal(line, HubMoved)
    assert "nothing was put back. Look at who did that" in message
    assert "theirs.txt" in tree(api)
    assert tags(api) == {}


def test_publication_knows_the_files_of_the_newest_receipt_under_another_commit(
    line: Path, api: HfApi
) -> None:
    receipt, _ = run(line)
    hub = Hub(load(line).hub)
    api.create_commit(REPO, [CommitOperationAdd("x.txt", b"x")], commit_message="there")
    head = api.model_info(REPO).sha or ""
    with pytest.raises(ReleaseRefused):
        main_branch.refuse_stranger(hub, REPO, [receipt], [], head, hub.files(REPO, "model", head))
    api.delete_file("x.txt", REPO)
    head = api.model_info(REPO).sha or ""
    main_branch.refuse_stranger(hub, REPO, [receipt], [], head, hub.files(REPO, "model", head))


def test_publication_goes_on_top_of_an_adopted_model(line: Path, api: HfApi) -> None:
    api.create_repo(REPO)
    api.create_commit(REPO, [CommitOperationAdd("x.txt", b"by hand")], commit_message="there")
    head = api.model_info(REPO).sha or ""
    hub = Hub(load(line).hub)
    assert f"take it in with `katman adopt {REPO}@{head}`" in refusal(line, ReleaseRefused)
    known = adopted(head, repo=REPO).model_copy(
        update={"files": {"x.txt": hub.files(REPO, "model", head)["x.txt"].digest}}
    )
    receipts.save_adoption(line, known)
    # A release that failed was taken back to the adopted files, under another commit.
    api.create_commit(REPO, [CommitOperationAdd("y.txt", b"y")], commit_message="there")
    api.delete_file("y.txt", REPO)
    set_params(line, {"live.revision": head})
    sealed.seal(line)
    receipt, _ = run(line)
    assert (receipt.version, tags(api)) == ("v1", {"v1": receipt.commit})
    assert "x.txt" not in tree(api)
