from __future__ import annotations

import hashlib
import time
from pathlib import Path

import httpx2
import pytest
from huggingface_hub import CommitOperationAdd, HfFileSystem, hf_hub_url, snapshot_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.file_download import get_hf_file_metadata
from huggingface_hub.hf_api import RepoFile, RepoFolder
from huggingface_hub.utils._http import get_session

from localhub.routes.files import media_type
from tests.localhub.conftest import CARD, OWNER, WEIGHTS, TestHub


def get(hub: TestHub, repo: str, path: str, revision: str = "main", **headers: str) -> httpx2.Response:
    url = hf_hub_url(repo, path, revision=revision, endpoint=hub.endpoint)
    return get_session().get(url, headers={"Authorization": f"Bearer {OWNER.token}", **headers})


def test_file_routes_tree_lists_one_folder_or_all(hub: TestHub, model: str) -> None:
    top = {entry.path: entry for entry in hub.owner.list_repo_tree(model)}
    assert sorted(top) == [".gitattributes", "1_Pooling", "README.md", "model.safetensors"]
    assert isinstance(top["1_Pooling"], RepoFolder)
    weights = top["model.safetensors"]
    assert isinstance(weights, RepoFile)
    assert weights.lfs is not None
    assert weights.size == len(WEIGHTS)
    assert weights.lfs.sha256 == hashlib.sha256(WEIGHTS).hexdigest()
    assert [entry.path for entry in hub.owner.list_repo_tree(model, "1_Pooling")] == ["1_Pooling/config.json"]
    everything = [entry.path for entry in hub.owner.list_repo_tree(model, recursive=True)]
    assert sorted(everything) == sorted([*top, "1_Pooling/config.json"])


def test_file_routes_a_missing_folder_or_revision_has_its_own_error(hub: TestHub, model: str) -> None:
    with pytest.raises(EntryNotFoundError):
        list(hub.owner.list_repo_tree(model, "nowhere"))
    with pytest.raises(EntryNotFoundError):
        list(hub.owner.list_repo_tree(model, "README.md"))
    with pytest.raises(RevisionNotFoundError):
        list(hub.owner.list_repo_tree(model, revision="nowhere"))
    with pytest.raises(RevisionNotFoundError):
        hub.owner.list_repo_commits(model, revision="nowhere")
    with pytest.raises(RepositoryNotFoundError):
        list(hub.owner.list_repo_tree("ann/nothing-here"))


def test_file_routes_an_expanded_tree_comes_in_pages_with_last_commits(
    hub: TestHub, empty_model: str
) -> None:
    added = [CommitOperationAdd(f"many/{number:03}.txt", b"%d" % number) for number in range(120)]
    hub.owner.create_commit(empty_model, added, commit_message="many")
    changed = hub.owner.upload_file(
        path_or_fileobj=b"new", path_in_repo="many/077.txt", repo_id=empty_model, commit_message="one"
    )
    entries = list(hub.owner.list_repo_tree(empty_model, recursive=True, expand=True))
    assert len({entry.path for entry in entries}) == len(entries) == 122
    titles = {entry.path: entry.last_commit.title for entry in entries if entry.last_commit}
    assert titles.pop(".gitattributes") == "initial commit"
    assert titles.pop("many/077.txt") == titles.pop("many") == "one"
    assert set(titles.values()) == {"many"}
    last = next(entry.last_commit for entry in entries if entry.path == "many/077.txt")
    assert last is not None
    assert last.oid == changed.oid


def test_file_routes_thousands_of_files_are_expanded_in_seconds(hub: TestHub, empty_model: str) -> None:
    for part in range(5):
        added = [CommitOperationAdd(f"many/{part}/{number:04}.txt", b"the same") for number in range(400)]
        hub.owner.create_commit(empty_model, added, commit_message=f"many {part}")
    start = time.perf_counter()
    entries = list(hub.owner.list_repo_tree(empty_model, recursive=True, expand=True))
    seconds = time.perf_counter() - start
    assert len(entries) == 2007
    titles = {entry.path: entry.last_commit.title for entry in entries if entry.last_commit}
    assert titles["many/3/0123.txt"] == titles["many/3"] == "many 3"
    assert seconds < 8, "python -m bench.localhub measures it"


def test_file_routes_paths_info_leaves_out_what_is_not_there(hub: TestHub, model: str) -> None:
    found = hub.owner.get_paths_info(model, ["README.md", "1_Pooling", "no", "ü&=+ /x"], expand=True)
    assert [entry.path for entry in found] == ["README.md", "1_Pooling"]
    assert all(entry.last_commit for entry in found)
    assert hub.owner.get_paths_info(model, []) == []


def test_file_routes_commits_are_listed_newest_first_over_pages(hub: TestHub, empty_model: str) -> None:
    for number in range(52):
        hub.owner.upload_file(
            path_or_fileobj=b"%d" % number,
            path_in_repo="a.txt",
            repo_id=empty_model,
            commit_message=f"number {number}",
            commit_description="Why not." if number == 51 else None,
        )
    commits = hub.owner.list_repo_commits(empty_model)
    assert [commit.title for commit in commits] == [
        *(f"number {number}" for number in reversed(range(52))),
        "initial commit",
    ]
    assert (commits[0].message, commits[0].authors, commits[1].message) == ("Why not.", ["ann"], "")


def test_file_routes_download_gives_the_bytes_of_every_revision(
    hub: TestHub, model: str, tmp_path: Path
) -> None:
    first = hub.owner.model_info(model).sha
    hub.owner.upload_file(path_or_fileobj=b"other", path_in_repo="model.safetensors", repo_id=model)
    old = Path(hub.owner.snapshot_download(model, revision=first, cache_dir=tmp_path))
    new = Path(snapshot_download(model, endpoint=hub.endpoint, token=False, cache_dir=tmp_path))
    assert old.name == first
    assert (old / "README.md").read_bytes() == (new / "README.md").read_bytes() == CARD
    assert (old / "model.safetensors").read_bytes() == WEIGHTS
    assert (new / "model.safetensors").read_bytes() == b"other"
    assert (new / "1_Pooling" / "config.json").read_bytes() == b'{"a": 1}'


def test_file_routes_paths_and_revisions_may_hold_any_letter(
    hub: TestHub, empty_model: str, tmp_path: Path
) -> None:
    path = "dizin #1/şöyle böyle 100%?&=+.txt"
    hub.owner.upload_file(path_or_fileobj="çağrı".encode(), path_in_repo=path, repo_id=empty_model)
    hub.owner.create_branch(empty_model, branch="dal/ı-1")
    got = hub.anonymous.hf_hub_download(empty_model, path, revision="dal/ı-1", cache_dir=tmp_path)
    assert Path(got).read_text("utf-8") == "çağrı"
    assert path in hub.owner.list_repo_files(empty_model, revision="dal/ı-1")


def test_file_routes_metadata_names_commit_and_content(hub: TestHub, model: str) -> None:
    head = hub.owner.model_info(model).sha
    [card] = hub.owner.get_paths_info(model, "README.md")
    assert isinstance(card, RepoFile)
    small = get_hf_file_metadata(hf_hub_url(model, "README.md", endpoint=hub.endpoint))
    assert (small.commit_hash, small.etag, small.size) == (head, card.blob_id, len(CARD))
    large = get_hf_file_metadata(hf_hub_url(model, "model.safetensors", endpoint=hub.endpoint))
    assert (large.commit_hash, large.size) == (head, len(WEIGHTS))
    assert large.etag == hashlib.sha256(WEIGHTS).hexdigest()


def test_file_routes_a_large_file_is_a_redirect_with_linked_headers(hub: TestHub, model: str) -> None:
    url = hf_hub_url(model, "model.safetensors", endpoint=hub.endpoint)
    answer = get_session().head(url, follow_redirects=False)
    assert answer.status_code == 302
    assert answer.headers["X-Linked-Size"] == str(len(WEIGHTS))
    assert answer.headers["X-Linked-Etag"] == f'"{hashlib.sha256(WEIGHTS).hexdigest()}"'
    assert answer.headers["X-Repo-Commit"] == hub.owner.model_info(model).sha


@pytest.mark.parametrize(("path", "content"), [("README.md", CARD), ("model.safetensors", WEIGHTS)])
def test_file_routes_ranges_are_answered_in_part(hub: TestHub, model: str, path: str, content: bytes) -> None:
    size = len(content)
    for wanted, start, end in (
        ("bytes=0-0", 0, 1),
        ("bytes=5-9", 5, 10),
        (f"bytes=7-{size * 2}", 7, size),
        ("bytes=11-", 11, size),
        ("bytes=-4", size - 4, size),
    ):
        answer = get(hub, model, path, Range=wanted)
        assert answer.status_code == 206
        assert answer.content == content[start:end]
        assert answer.headers["Content-Range"] == f"bytes {start}-{end - 1}/{size}"
    assert get(hub, model, path, Range=f"bytes={size}-").status_code == 416
    whole = get(hub, model, path)
    assert (whole.status_code, whole.content) == (200, content)
    assert whole.headers["Accept-Ranges"] == "bytes"
    changed = get(hub, model, path, Range="bytes=0-0", **{"If-Range": '"another"'})
    assert (changed.status_code, changed.content) == (200, content)


def test_file_routes_a_cut_download_goes_on_where_it_was(hub: TestHub, model: str, tmp_path: Path) -> None:
    # The client writes to NAME.incomplete and asks for the rest of what is there.
    blobs = tmp_path / f"models--{model.replace('/', '--')}" / "blobs"
    blobs.mkdir(parents=True)
    etag = hashlib.sha256(WEIGHTS).hexdigest()
    (blobs / f"{etag}.incomplete").write_bytes(WEIGHTS[:1000])
    got = hub.owner.hf_hub_download(model, "model.safetensors", cache_dir=tmp_path)
    assert Path(got).read_bytes() == WEIGHTS


def test_file_routes_the_file_system_reads_a_part(hub: TestHub, model: str) -> None:
    files = HfFileSystem(endpoint=hub.endpoint, token=OWNER.token, skip_instance_cache=True)
    assert files.read_bytes(f"{model}/model.safetensors", start=10, end=20) == WEIGHTS[10:20]
    assert files.read_text(f"{model}/README.md") == CARD.decode()
    assert f"{model}/1_Pooling" in files.ls(model, detail=False)


def test_file_routes_a_missing_file_names_the_commit_it_misses_in(hub: TestHub, model: str) -> None:
    head = hub.owner.model_info(model).sha
    for path in ("nothing.json", "1_Pooling", "README.md/deeper"):
        with pytest.raises(EntryNotFoundError) as refused:
            get_hf_file_metadata(hf_hub_url(model, path, endpoint=hub.endpoint))
        assert isinstance(refused.value, HfHubHTTPError)
        assert refused.value.response.headers["X-Repo-Commit"] == head
    with pytest.raises(RevisionNotFoundError):
        hub.owner.hf_hub_download(model, "README.md", revision="nowhere")
    with pytest.raises(RepositoryNotFoundError):
        hub.owner.hf_hub_download("ann/nothing-here", "README.md")
    with pytest.raises(RepositoryNotFoundError):
        hub.owner.hf_hub_download("single-name", "README.md")


@pytest.mark.parametrize("path", ["a.html", "a.svgz", "a.js", "a.xhtml", "a.unknown", "a"])
def test_file_routes_no_file_is_sent_as_a_page_that_runs(path: str) -> None:
    assert media_type(path) in ("text/plain; charset=utf-8", "application/octet-stream")


def test_file_routes_files_are_sent_in_a_sandbox(hub: TestHub, model: str) -> None:
    for path in ("README.md", "model.safetensors"):
        headers = get(hub, model, path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in headers["Content-Security-Policy"]
