from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pygit2
import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, DiscussionComment, HfApi
from huggingface_hub.community import DiscussionCommit
from huggingface_hub.errors import BadRequestError, HfHubHTTPError, RevisionNotFoundError

from tests.localhub.conftest import CARD, OWNER, TestHub
from tests.support.proposing import CHANGES, head, propose, put, refused


def test_discussions_a_commit_opens_a_pull_request(hub: TestHub, model: str, tmp_path: Path) -> None:
    main = head(hub.owner, model)
    made = propose(hub.owner, model, {**CHANGES, "1_Pooling/": None})
    assert made.pr_url == f"{hub.endpoint}/{model}/discussions/1"
    assert (made.pr_num, made.pr_revision) == (1, "refs/pr/1")
    assert made.commit_url == f"{hub.endpoint}/{model}/commit/{made.oid}"
    assert head(hub.owner, model) == main
    assert head(hub.owner, model, "refs/pr/1") == made.oid
    refs = hub.owner.list_repo_refs(model, include_pull_requests=True)
    assert refs.pull_requests is not None
    assert [(ref.ref, ref.target_commit) for ref in refs.pull_requests] == [("refs/pr/1", made.oid)]
    assert [one.commit_id for one in hub.owner.list_repo_commits(model, revision="refs/pr/1")][:2] == [
        made.oid,
        main,
    ]
    files = hub.owner.list_repo_files(model, revision="refs/pr/1")
    assert files == [".gitattributes", "README.md", "model.safetensors", "new.txt"]
    snapshot = Path(hub.owner.snapshot_download(model, revision="refs/pr/1", cache_dir=tmp_path))
    assert {path: (snapshot / path).read_bytes() for path in CHANGES} == CHANGES

    details = hub.owner.get_discussion_details(model, 1)
    assert (details.title, details.status, details.author) == ("A title", "open", "ann")
    assert details.is_pull_request
    assert (details.repo_id, details.repo_type, details.url) == (model, "model", made.pr_url)
    assert details.target_branch == "refs/heads/main"
    assert details.conflicting_files == []
    assert details.merge_commit_oid is None
    assert details.diff is not None
    assert "+++ b/new.txt\n@@ -0,0 +1 @@\n+new\n" in details.diff
    comment, commit = details.events
    assert isinstance(comment, DiscussionComment)
    assert isinstance(commit, DiscussionCommit)
    assert (comment.content, comment.edited, comment.hidden) == ("Why.", False, False)
    assert "<p>Why.</p>" in comment.rendered
    assert (commit.oid, commit.summary, commit.author) == (made.oid, "A title", "ann")


def test_discussions_a_pull_request_starts_at_the_parent_that_was_asked_for(hub: TestHub, model: str) -> None:
    start = head(hub.owner, model)
    put(hub.owner, model, "later.txt", b"1")
    propose(hub.owner, model, {"new.txt": b"1"}, parent_commit=start)
    assert hub.owner.list_repo_commits(model, revision="refs/pr/1")[1].commit_id == start
    details = hub.owner.get_discussion_details(model, 1)
    assert details.diff is not None
    assert "later.txt" not in details.diff
    hub.owner.merge_pull_request(model, 1)
    assert {"later.txt", "new.txt"} <= set(hub.owner.list_repo_files(model))
    with pytest.raises(RevisionNotFoundError):
        propose(hub.owner, model, {"other.txt": b"1"}, parent_commit="0" * 40)
    with pytest.raises(RevisionNotFoundError):
        propose(hub.owner, model, {"other.txt": b"1"}, revision="no-branch")


def test_discussions_a_merge_has_two_parents_and_both_sides(hub: TestHub, model: str) -> None:
    first = propose(hub.owner, model, {**CHANGES, "1_Pooling/": None})
    second = put(hub.owner, model, "second.txt", b"2", "refs/pr/1")
    main = put(hub.owner, model, "main.txt", b"1")
    hub.owner.merge_pull_request(model, 1, comment="Checked.")
    details = hub.owner.get_discussion_details(model, 1)
    assert (details.status, details.conflicting_files) == ("merged", [])
    merge = head(hub.owner, model)
    assert details.merge_commit_oid == merge
    commit = pygit2.Repository(str(hub.root / "models" / f"{model}.git"))[merge].peel(pygit2.Commit)
    assert [str(parent) for parent in commit.parent_ids] == [main, second]
    assert commit.message.startswith("A title (#1)\n\n- A title (")
    files = hub.owner.list_repo_files(model)
    assert files == [
        ".gitattributes",
        "README.md",
        "main.txt",
        "model.safetensors",
        "new.txt",
        "second.txt",
    ]
    assert [type(event).__name__ for event in details.events] == [
        "DiscussionComment",
        "DiscussionCommit",
        "DiscussionCommit",
        "DiscussionComment",
        "DiscussionStatusChange",
    ]
    assert [event.oid for event in details.events if isinstance(event, DiscussionCommit)] == [
        first.oid,
        second,
    ]
    assert details.diff is not None
    assert "main.txt" not in details.diff
    # What is merged stays merged, whatever main does later.
    put(hub.owner, model, "later.txt", b"1")
    again = hub.owner.get_discussion_details(model, 1)
    assert (again.status, again.merge_commit_oid, again.diff) == ("merged", merge, details.diff)


def test_discussions_a_conflict_is_refused_and_listed(hub: TestHub, model: str) -> None:
    propose(
        hub.owner,
        model,
        {
            "README.md": CARD + b"Mine.\n",
            "same.txt": b"s",
            "1_Pooling/config.json": None,
            "d/e": b"1",
            "ok": b"1",
        },
    )
    for path, content in (
        ("README.md", CARD + b"Theirs.\n"),
        ("same.txt", b"s"),
        ("1_Pooling/config.json", b"2"),
        ("d", b"1"),
    ):
        main = put(hub.owner, model, path, content)
    conflicts = ["1_Pooling/config.json", "README.md", "d/e"]
    assert hub.owner.get_discussion_details(model, 1).conflicting_files == conflicts
    with pytest.raises(HfHubHTTPError, match="has conflicts") as error:
        hub.owner.merge_pull_request(model, 1)
    assert refused(error) == (409, "MergeConflict")
    assert error.value.response.json()["filesWithConflicts"] == conflicts
    assert head(hub.owner, model) == main
    assert hub.owner.get_discussion_details(model, 1).status == "open"


def test_discussions_equal_changes_are_no_conflict(hub: TestHub, model: str) -> None:
    propose(hub.owner, model, {"new.txt": b"1", "README.md": None})
    hub.owner.create_commit(
        model,
        [CommitOperationAdd("new.txt", b"1"), CommitOperationDelete("README.md")],
        commit_message="the same",
    )
    before = hub.owner.list_repo_files(model)
    hub.owner.merge_pull_request(model, 1)
    assert hub.owner.list_repo_files(model) == before
    assert hub.owner.get_discussion_details(model, 1).status == "merged"


def test_discussions_closed_and_merged_ones_take_no_merge_and_no_commits(hub: TestHub, model: str) -> None:
    propose(hub.owner, model, {"a": b"1"})
    hub.owner.change_discussion_status(model, 1, "closed", comment="Not now.")
    main = head(hub.owner, model)
    for call in (
        lambda: hub.owner.merge_pull_request(model, 1),
        lambda: hub.owner.change_discussion_status(model, 1, "closed"),
        lambda: put(hub.owner, model, "b", b"1", "refs/pr/1"),
    ):
        with pytest.raises(HfHubHTTPError, match="is closed") as error:
            call()
        assert refused(error) == (409, "Conflict")
    assert head(hub.owner, model) == main
    changed = hub.owner.change_discussion_status(model, 1, "open")
    assert changed.new_status == "open"
    put(hub.owner, model, "b", b"1", "refs/pr/1")
    hub.owner.merge_pull_request(model, 1)
    for call in (
        lambda: hub.owner.merge_pull_request(model, 1),
        lambda: hub.owner.change_discussion_status(model, 1, "closed"),
        lambda: put(hub.owner, model, "c", b"1", "refs/pr/1"),
    ):
        with pytest.raises(HfHubHTTPError, match="is merged") as error:
            call()
        assert refused(error) == (409, "Conflict")


def test_discussions_a_pull_request_without_commits_is_a_draft(hub: TestHub, model: str) -> None:
    draft = hub.owner.create_pull_request(model, "A draft")
    assert (draft.status, draft.num, draft.git_reference) == ("draft", 1, "refs/pr/1")
    assert head(hub.owner, model, "refs/pr/1") == head(hub.owner, model)
    with pytest.raises(HfHubHTTPError, match="open it first"):
        hub.owner.merge_pull_request(model, 1)
    hub.owner.change_discussion_status(model, 1, "open")
    with pytest.raises(BadRequestError, match="no commits"):
        hub.owner.merge_pull_request(model, 1)
    put(hub.owner, model, "a", b"1", "refs/pr/1")
    hub.owner.merge_pull_request(model, 1)
    assert "a" in hub.owner.list_repo_files(model)


def test_discussions_a_commit_that_changes_nothing_opens_nothing(hub: TestHub, model: str) -> None:
    same: list[CommitOperationAdd | CommitOperationDelete] = [
        CommitOperationDelete("1_Pooling/"),
        CommitOperationAdd("1_Pooling/config.json", b'{"a": 1}'),
    ]
    with pytest.raises(BadRequestError, match="changes nothing"):
        hub.owner.create_commit(model, same, commit_message="again", create_pr=True)
    assert list(hub.owner.get_repo_discussions(model)) == []


def test_discussions_of_eight_merges_one_wins(hub: TestHub, model: str) -> None:
    propose(hub.owner, model, CHANGES)
    start = threading.Barrier(8)

    def merge(_: int) -> int:
        start.wait(10)
        try:
            HfApi(endpoint=hub.endpoint, token=OWNER.token).merge_pull_request(model, 1)
        except HfHubHTTPError as error:
            return error.response.status_code
        return 200

    before = len(hub.owner.list_repo_commits(model))
    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(merge, range(8))) == [200, *[409] * 7]
    assert len(hub.owner.list_repo_commits(model)) == before + 2
    statuses = [event.type for event in hub.owner.get_discussion_details(model, 1).events]
    assert statuses.count("status-change") == 1


def test_discussions_of_eight_on_one_path_one_merges(hub: TestHub, model: str) -> None:
    nums = [propose(hub.owner, model, {"a": b"%d" % number}).pr_num for number in range(8)]
    assert nums == list(range(1, 9))

    def merge(num: int) -> bool:
        try:
            HfApi(endpoint=hub.endpoint, token=OWNER.token).merge_pull_request(model, num)
        except HfHubHTTPError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        won = [num for num, landed in zip(range(1, 9), pool.map(merge, range(1, 9)), strict=True) if landed]
    assert len(won) == 1
    content = Path(hub.owner.hf_hub_download(model, "a", force_download=True)).read_bytes()
    assert content == b"%d" % (won[0] - 1)
    for num in set(range(1, 9)) - set(won):
        assert hub.owner.get_discussion_details(model, num).conflicting_files == ["a"]


def test_discussions_of_eight_at_once_each_have_a_number(hub: TestHub, model: str) -> None:
    def open_one(number: int) -> int | None:
        api = HfApi(endpoint=hub.endpoint, token=OWNER.token)
        return propose(api, model, {f"{number}.txt": b"1"}).pr_num

    with ThreadPoolExecutor(8) as pool:
        assert sorted(num or 0 for num in pool.map(open_one, range(8))) == list(range(1, 9))
