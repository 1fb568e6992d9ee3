from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urljoin

import pygit2
import pytest
from huggingface_hub import CommitInfo, CommitOperationAdd, CommitOperationDelete, DiscussionComment, HfApi
from huggingface_hub.community import DiscussionCommit, DiscussionStatusChange
from huggingface_hub.errors import BadRequestError, HfHubHTTPError, RevisionNotFoundError

from localhub.process import serve
from tests.localhub.conftest import CARD, OWNER, READER, WEIGHTS, TestHub

NEW_WEIGHTS = WEIGHTS[::-1]
CHANGES = {"README.md": CARD + b"More.\n", "model.safetensors": NEW_WEIGHTS, "new.txt": b"new\n"}


def propose(
    api: HfApi,
    repo: str,
    files: Mapping[str, bytes | None],
    *,
    revision: str | None = None,
    parent_commit: str | None = None,
) -> CommitInfo:
    """Open a pull request that writes files, or deletes those without bytes."""
    operations: list[CommitOperationAdd | CommitOperationDelete] = [
        CommitOperationDelete(path) if content is None else CommitOperationAdd(path, content)
        for path, content in files.items()
    ]
    return api.create_commit(
        repo,
        operations,
        commit_message="A title",
        commit_description="Why.",
        create_pr=True,
        revision=revision,
        parent_commit=parent_commit,
    )


def head(api: HfApi, repo: str, revision: str = "main") -> str:
    sha = api.model_info(repo, revision=revision).sha
    assert sha is not None
    return sha


def put(api: HfApi, repo: str, path: str, content: bytes, revision: str = "main") -> str:
    return api.upload_file(path_or_fileobj=content, path_in_repo=path, repo_id=repo, revision=revision).oid


def refused(error: pytest.ExceptionInfo[HfHubHTTPError]) -> tuple[int, str | None]:
    return error.value.response.status_code, error.value.response.headers.get("X-Error-Code")


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


def test_discussions_are_listed_by_type_status_and_author(hub: TestHub, model: str) -> None:
    for number in range(53):
        hub.owner.create_discussion(model, f"Question {number}", description="?")
    propose(hub.owner, model, {"a": b"1"})
    hub.owner.create_pull_request(model, "draft")
    hub.owner.change_discussion_status(model, 53, "closed")
    hub.owner.merge_pull_request(model, 54)
    every = list(hub.reader.get_repo_discussions(model))
    assert [one.num for one in every] == list(range(55, 0, -1))
    assert (every[-1].title, every[-1].author, every[-1].status) == ("Question 0", "ann", "open")

    def nums(**filters: str) -> list[int]:
        return [one.num for one in hub.anonymous.get_repo_discussions(model, **filters)]  # type: ignore[arg-type]

    assert nums(discussion_type="pull_request") == [55, 54]
    assert nums(discussion_type="pull_request", discussion_status="open") == [55]
    assert nums(discussion_status="closed") == [54, 53]
    assert len(nums(discussion_type="discussion", discussion_status="open")) == 52
    assert nums(author="bob") == []
    assert len(nums(author="ann")) == 55


def test_discussions_comments_titles_and_statuses_are_events(hub: TestHub, model: str) -> None:
    opened = hub.owner.create_discussion(model, " A question ", description="Why?")
    assert (opened.title, opened.status, opened.is_pull_request) == ("A question", "open", False)
    assert (opened.diff, opened.target_branch, opened.git_reference) == (None, None, None)
    comment = hub.owner.comment_discussion(model, 1, "Because of *this* <script>alert(1)</script>")
    assert "<em>this</em> &lt;script&gt;" in comment.rendered
    edited = hub.owner.edit_discussion_comment(model, 1, comment.id, "Because.")
    assert (edited.content, edited.edited, edited.number_of_edits) == ("Because.", True, 1)
    with pytest.warns(UserWarning, match="Hidden"):
        hidden = hub.owner.hide_discussion_comment(model, 1, comment.id)
    assert hidden.hidden
    assert "Because" not in json.dumps(hidden._event)
    renamed = hub.owner.rename_discussion(model, 1, "Another")
    assert (renamed.old_title, renamed.new_title) == ("A question", "Another")
    hub.owner.change_discussion_status(model, 1, "closed", comment="Done.")
    details = hub.reader.get_discussion_details(model, 1)
    assert (details.title, details.status) == ("Another", "closed")
    assert [event.type for event in details.events] == [
        "comment",
        "comment",
        "title-change",
        "comment",
        "status-change",
    ]
    last = details.events[-1]
    assert isinstance(last, DiscussionStatusChange)
    assert last.new_status == "closed"
    with pytest.raises(BadRequestError, match="no pull request"):
        hub.owner.merge_pull_request(model, 1)
    with pytest.raises(BadRequestError, match="hidden"):
        hub.owner.edit_discussion_comment(model, 1, comment.id, "Again.")


def test_discussions_unknown_numbers_are_404(hub: TestHub, model: str) -> None:
    for call in (
        lambda: hub.owner.get_discussion_details(model, 7),
        lambda: hub.owner.comment_discussion(model, 7, "?"),
        lambda: hub.owner.merge_pull_request(model, 7),
        lambda: hub.owner.rename_discussion(model, 7, "?"),
        lambda: hub.owner.change_discussion_status(model, 7, "closed"),
    ):
        with pytest.raises(HfHubHTTPError) as error:
            call()
        assert refused(error) == (404, "DiscussionNotFound")
    with pytest.raises(RevisionNotFoundError):
        put(hub.owner, model, "a", b"1", "refs/pr/7")


def test_discussions_a_read_token_looks_and_changes_nothing(hub: TestHub, model: str) -> None:
    propose(hub.owner, model, {"a": b"1"})
    assert hub.reader.get_discussion_details(model, 1).diff
    for call in (
        lambda: propose(hub.reader, model, {"b": b"1"}),
        lambda: put(hub.reader, model, "b", b"1", "refs/pr/1"),
        lambda: hub.reader.create_discussion(model, "?"),
        lambda: hub.reader.comment_discussion(model, 1, "?"),
        lambda: hub.reader.merge_pull_request(model, 1),
        lambda: hub.reader.change_discussion_status(model, 1, "closed"),
    ):
        with pytest.raises(HfHubHTTPError) as error:
            call()
        assert refused(error) == (403, "Forbidden")
    with pytest.raises(HfHubHTTPError) as error:
        hub.anonymous.merge_pull_request(model, 1)
    assert refused(error) == (401, "LoginRequired")
    assert len(hub.owner.get_discussion_details(model, 1).events) == 2


def test_discussions_of_private_and_gated_repos_give_nothing_away(hub: TestHub, model: str) -> None:
    propose(hub.owner, model, {"secret.txt": b"very secret\n"})
    hub.owner.update_repo_settings(model, gated="manual")
    assert hub.anonymous.get_discussion_details(model, 1).diff is None
    assert "very secret" in (hub.owner.get_discussion_details(model, 1).diff or "")
    hub.owner.update_repo_settings(model, gated=False, visibility="private")
    with pytest.raises(HfHubHTTPError) as error:
        hub.anonymous.get_discussion_details(model, 1)
    assert refused(error) == (401, "RepoNotFound")
    with pytest.raises(HfHubHTTPError):
        list(hub.anonymous.get_repo_discussions(model))


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


def test_discussions_outlive_the_server_and_go_with_their_repo(tmp_path: Path) -> None:
    with serve(tmp_path, [OWNER]) as running:
        api = HfApi(endpoint=running.endpoint, token=OWNER.token)
        api.create_repo("ann/kept")
        propose(api, "ann/kept", {"a": b"1"})
        api.comment_discussion("ann/kept", 1, "Çok güzel.")
        before = api.get_discussion_details("ann/kept", 1)
    with serve(tmp_path, [OWNER], port=int(running.endpoint.rpartition(":")[2])) as running:
        api = HfApi(endpoint=running.endpoint, token=OWNER.token)
        assert api.get_discussion_details("ann/kept", 1) == before
        api.delete_repo("ann/kept")
        api.create_repo("ann/kept")
        assert list(api.get_repo_discussions("ann/kept")) == []
        assert propose(api, "ann/kept", {"a": b"1"}).pr_num == 1


def test_discussions_heal_what_a_killed_server_left(tmp_path: Path) -> None:
    repo = "ann/healed"
    with serve(tmp_path, [OWNER]) as running:
        api = HfApi(endpoint=running.endpoint, token=OWNER.token)
        api.create_repo(repo)
        propose(api, repo, {"a": b"1"})
        git = tmp_path / "models" / f"{repo}.git"
        unmerged = (git / "discussions" / "1.json").read_bytes()
        api.merge_pull_request(repo, 1)
        propose(api, repo, {"b": b"1"})
        main = head(api, repo)
        running.process.kill()
        running.process.wait()
    # As they are between the merge commit and the status, and between the reference and the file.
    (git / "discussions" / "1.json").write_bytes(unmerged)
    (git / "discussions" / "2.json").unlink()
    with serve(tmp_path, [OWNER]) as running:
        api = HfApi(endpoint=running.endpoint, token=OWNER.token)
        details = api.get_discussion_details(repo, 1)
        assert (details.status, details.merge_commit_oid) == ("merged", main)
        assert details.events[-1].author == "ann"
        with pytest.raises(HfHubHTTPError, match="is merged"):
            api.merge_pull_request(repo, 1)
        refs = api.list_repo_refs(repo, include_pull_requests=True).pull_requests
        assert refs is not None
        assert [ref.ref for ref in refs] == ["refs/pr/1"]
        assert json.loads((git / "discussions" / "1.json").read_bytes())["status"] == "merged"
        assert propose(api, repo, {"b": b"1"}).pr_num == 2


def test_discussions_survive_kill_9_open_or_merged(tmp_path: Path) -> None:
    """The server is killed at a different moment of each merge; the next one finds it merged or open."""
    repo, port = "ann/killed", 0
    for attempt in range(1, 9):
        with serve(tmp_path, [OWNER], port=port) as running:
            port = int(running.endpoint.rpartition(":")[2])
            api = HfApi(endpoint=running.endpoint, token=OWNER.token)
            api.create_repo(repo, exist_ok=True)
            made = propose(api, repo, {f"{attempt}.txt": b"1"})
            assert made.pr_num == attempt
            killer = threading.Timer(attempt * 0.004 - 0.004, running.process.kill)
            killer.start()
            try:
                api.merge_pull_request(repo, attempt)
                landed = True
            except Exception:  # whatever a dying server makes of it
                landed = False
            killer.join()
            running.process.wait()
        with serve(tmp_path, [OWNER, READER], port=port) as running:
            api = HfApi(endpoint=running.endpoint, token=OWNER.token)
            is_there = f"{attempt}.txt" in api.list_repo_files(repo)
            assert api.get_discussion_details(repo, attempt).status == ("merged" if is_there else "open")
            assert is_there or not landed
            if not is_there:
                api.merge_pull_request(repo, attempt)
            assert f"{attempt}.txt" in api.list_repo_files(repo)


def look(hub: TestHub, path: str) -> str:
    with urllib.request.urlopen(urljoin(hub.endpoint, path)) as answer:
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        text = answer.read().decode()
        assert isinstance(text, str)
        return text


def test_discussions_have_pages(hub: TestHub, model: str) -> None:
    propose(hub.owner, model, {"new.txt": b"1", "README.md": None})
    hub.owner.rename_discussion(model, 1, "<b>Bold</b>")
    hub.owner.comment_discussion(model, 1, "Hi <script>alert(1)</script> [x](javascript:alert(2))")
    put(hub.owner, model, "README.md", CARD + b"Other.\n")
    hub.owner.create_discussion(model, "A question")
    page = look(hub, f"/{model}/discussions")
    assert "&lt;b&gt;Bold&lt;/b&gt;" in page
    assert page.index("A question") < page.index("Bold")
    assert f'href="/{model}/discussions"' in look(hub, f"/{model}")
    page = look(hub, f"/{model}/discussions/1")
    for wanted in ("refs/pr/1", "open", "new.txt", "Conflict: README.md", "&lt;script&gt;alert(1)", "#1"):
        assert wanted in page
    assert "<script>" not in page
    assert 'href="javascript:' not in page
    hub.owner.change_discussion_status(model, 1, "closed")
    assert "closed" in look(hub, f"/{model}/discussions/1")
    assert "A question" in look(hub, f"/{model}/discussions/2")
