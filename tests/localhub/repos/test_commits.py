from __future__ import annotations

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import pygit2
import pytest
from huggingface_hub import CommitInfo, CommitOperationAdd, CommitOperationDelete, HfApi
from huggingface_hub.errors import (
    BadRequestError,
    EntryNotFoundError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from localhub.errors import BadRequest
from localhub.process import serve
from localhub.repos.commits import read_request
from tests.localhub.conftest import OWNER, READER, TestHub, card_and_weights, clients


def test_commits_a_commit_has_message_author_and_address(hub: TestHub, empty_model: str) -> None:
    before = hub.owner.model_info(empty_model).sha
    made = hub.owner.create_commit(
        empty_model, card_and_weights(), commit_message="first", commit_description="Why.\nMore."
    )
    assert made.commit_url == f"{hub.endpoint}/{empty_model}/commit/{made.oid}"
    assert made.repo_url.repo_id == empty_model
    assert hub.owner.model_info(empty_model).sha == made.oid != before
    newest = hub.owner.list_repo_commits(empty_model)[0]
    assert (newest.commit_id, newest.title, newest.message) == (made.oid, "first", "Why.\nMore.")
    assert newest.authors == ["ann"]


def test_commits_go_to_the_branch_that_was_asked_for(hub: TestHub, model: str) -> None:
    head = hub.owner.model_info(model).sha
    hub.owner.create_branch(model, branch="next/1")
    made = hub.owner.upload_file(
        path_or_fileobj=b"1", path_in_repo="a", repo_id=model, revision="next/1", parent_commit=head
    )
    assert hub.owner.model_info(model).sha == head
    assert hub.owner.model_info(model, revision="next/1").sha == made.oid


def test_commits_a_tag_or_a_sha_is_not_committed_to(hub: TestHub, model: str) -> None:
    hub.owner.create_tag(model, tag="v1")
    head = hub.owner.model_info(model).sha
    for revision, error in (("v1", BadRequestError), (head, BadRequestError), ("no", RevisionNotFoundError)):
        with pytest.raises(error):
            hub.owner.upload_file(path_or_fileobj=b"1", path_in_repo="a", repo_id=model, revision=revision)
    with pytest.raises(RepositoryNotFoundError):
        hub.owner.upload_file(path_or_fileobj=b"1", path_in_repo="a", repo_id="ann/nothing-here")


def test_commits_equal_content_makes_no_commit(hub: TestHub, model: str) -> None:
    head = hub.owner.model_info(model).sha
    same = hub.owner.create_commit(model, card_and_weights(), commit_message="again")
    assert same.oid == head
    # This one reaches the server: the client cannot tell that it changes nothing.
    replaced = hub.owner.create_commit(
        model,
        [CommitOperationDelete("1_Pooling/"), CommitOperationAdd("1_Pooling/config.json", b'{"a": 1}')],
        commit_message="and again",
    )
    assert replaced.oid == head
    assert hub.owner.model_info(model).sha == head


def test_commits_equal_content_never_checks_the_parent(hub: TestHub, model: str) -> None:
    head = hub.owner.model_info(model).sha
    same = hub.owner.create_commit(model, card_and_weights(), commit_message="again", parent_commit="0" * 40)
    assert same.oid == head


def test_commits_a_moved_head_is_412(hub: TestHub, model: str) -> None:
    parent = hub.owner.model_info(model).sha
    moved = hub.owner.upload_file(path_or_fileobj=b"1", path_in_repo="a", repo_id=model)
    with pytest.raises(HfHubHTTPError) as refused:
        hub.owner.upload_file(path_or_fileobj=b"2", path_in_repo="b", repo_id=model, parent_commit=parent)
    answer = refused.value.response
    assert answer.status_code == 412
    assert answer.json()["error"].startswith("The branch was updated since you opened this page")
    assert moved.oid in answer.json()["error"]
    assert hub.owner.model_info(model).sha == moved.oid


def test_commits_of_eight_on_one_parent_one_wins(hub: TestHub, model: str) -> None:
    parent = hub.owner.model_info(model).sha
    start = threading.Barrier(8)

    def commit(number: int) -> str | int:
        api = HfApi(endpoint=hub.endpoint, token=OWNER.token)
        added = [
            CommitOperationAdd(f"{number}.txt", b"1"),
            CommitOperationAdd(f"{number}.bin", b"\0%d" % number),
        ]
        api.preupload_lfs_files(model, added)
        start.wait(10)
        try:
            return api.create_commit(model, added, commit_message=f"{number}", parent_commit=parent).oid
        except HfHubHTTPError as error:
            return error.response.status_code

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(commit, range(8)))
    winners = [result for result in results if isinstance(result, str)]
    assert sorted(result for result in results if isinstance(result, int)) == [412] * 7
    assert winners == [hub.owner.model_info(model).sha]
    assert len(hub.owner.list_repo_commits(model)) == 3
    number = results.index(winners[0])
    files = hub.owner.list_repo_files(model)
    assert [file for file in files if file[0].isdecimal() and "/" not in file] == [
        f"{number}.bin",
        f"{number}.txt",
    ]


def test_commits_of_eight_without_a_parent_all_land(hub: TestHub, model: str) -> None:
    def commit(number: int) -> None:
        HfApi(endpoint=hub.endpoint, token=OWNER.token).upload_file(
            path_or_fileobj=b"%d" % number, path_in_repo=f"{number}.txt", repo_id=model
        )

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(commit, range(8)))
    assert {f"{number}.txt" for number in range(8)} <= set(hub.owner.list_repo_files(model))
    assert len(hub.owner.list_repo_commits(model)) == 10


def test_commits_delete_files_and_folders(hub: TestHub, model: str) -> None:
    hub.owner.delete_file("README.md", model)
    hub.owner.delete_folder("1_Pooling", model)
    assert hub.owner.list_repo_files(model) == [".gitattributes", "model.safetensors"]
    for operation in (CommitOperationDelete("README.md"), CommitOperationDelete("1_Pooling/")):
        with pytest.raises(EntryNotFoundError, match="doesn't exist"):
            hub.owner.create_commit(model, [operation], commit_message="delete")


def test_commits_a_file_can_become_a_folder_and_back(hub: TestHub, empty_model: str) -> None:
    for path in ("a", "a/b", "a"):
        hub.owner.upload_file(path_or_fileobj=b"1", path_in_repo=path, repo_id=empty_model)
        assert hub.owner.list_repo_files(empty_model) == [".gitattributes", path]


@pytest.mark.parametrize(
    "lines",
    [
        b"not json\n",
        b'{"key": "file"}\n',
        b'{"key": "rename", "value": {"path": "a"}}\n',
        b'{"key": "file", "value": {"path": "a", "content": "!", "encoding": "base64"}}\n',
        b'{"key": "lfsFile", "value": {"path": "a", "oid": "a", "size": "many"}}\n',
        b"[]\n",
    ],
)  # fmt: skip
def test_commits_a_line_that_cannot_be_is_refused(lines: bytes, tmp_path: Path) -> None:
    git = pygit2.init_repository(str(tmp_path), bare=True)
    header = b'{"key": "header", "value": {"summary": "one"}}\n'
    assert read_request(BytesIO(header), git).summary == "one"
    with pytest.raises(BadRequest, match="Line 2"):
        read_request(BytesIO(header + lines), git)


def test_commits_without_a_summary_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="no summary"):
        read_request(BytesIO(b""), pygit2.init_repository(str(tmp_path), bare=True))


def test_commits_survive_kill_9_whole_or_not_at_all(tmp_path: Path) -> None:
    """The server is killed at a different moment of each commit; the next one finds all or nothing."""
    root, log = tmp_path / "root", tmp_path / "log"
    repo, files = "ann/killed", [f"{number}.{ending}" for number in range(12) for ending in ("txt", "bin")]
    whole = {0}
    for attempt in range(1, 5):
        with serve(root, [OWNER, READER], log=log) as running:
            api = clients(running, root, log).owner
            if attempt == 1:
                api.create_repo(repo)
            found = versions(api, repo)
            assert len(found) == 1, f"a commit in part: {found}"
            assert found <= whole
            whole = found | {attempt}

            added = [
                CommitOperationAdd(file, b"%d %s%c" % (attempt, file.encode(), 0 if "bin" in file else 32))
                for file in files
            ]
            before = count_objects(root / "models" / f"{repo}.git")
            # What follows is one POST, which the client never repeats.
            api.preupload_lfs_files(repo, added, free_memory=False)
            with ThreadPoolExecutor(1) as pool:
                landed = pool.submit(api.create_commit, repo, added, commit_message=f"{attempt}")
                wait_for_objects(root / "models" / f"{repo}.git", before + 6 * attempt, landed)
                running.process.kill()
                running.process.wait()
                if landed.exception() is None:
                    whole = {attempt}
    with serve(root, [OWNER], log=log) as running:
        api = clients(running, root, log).owner
        assert versions(api, repo) <= whole
        api.upload_file(path_or_fileobj=b"1", path_in_repo="after", repo_id=repo)
        assert "after" in api.list_repo_files(repo)


def test_commits_go_on_after_a_reference_lock_was_left(tmp_path: Path) -> None:
    with serve(tmp_path, [OWNER]) as running:
        api = HfApi(endpoint=running.endpoint, token=OWNER.token)
        api.create_repo("ann/locked")
    git = tmp_path / "models" / "ann" / "locked.git"
    for lock in ("refs/heads/main.lock", "refs/heads/next/one.lock", "packed-refs.lock"):
        (git / lock).parent.mkdir(exist_ok=True)
        (git / lock).touch()
    with serve(tmp_path, [OWNER]) as running:
        api = HfApi(endpoint=running.endpoint, token=OWNER.token)
        api.upload_file(path_or_fileobj=b"1", path_in_repo="a", repo_id="ann/locked")
        api.create_branch("ann/locked", branch="next/one")
    assert pygit2.Repository(str(git)).references["refs/heads/next/one"]


def count_objects(git: Path) -> int:
    return sum(1 for _ in git.glob("objects/??/*"))


def wait_for_objects(git: Path, wanted: int, landed: Future[CommitInfo]) -> None:
    """Wait until the server has written this much of a commit of 26 objects."""
    while count_objects(git) < wanted and not landed.done():
        time.sleep(0.0005)


def versions(api: HfApi, repo: str) -> set[int]:
    """Which commits' files the repo holds; more than one is a commit in part."""
    snapshot = Path(api.snapshot_download(repo))
    return {int(path.read_bytes().split(b" ")[0]) for path in snapshot.glob("[0-9]*")} or {0}
