from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationCopy, CommitOperationDelete
from huggingface_hub.errors import BadRequestError, HfHubHTTPError
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.lfs import UploadInfo, post_lfs_batch_info
from huggingface_hub.utils._http import get_session, hf_raise_for_status

from tests.localhub.conftest import OWNER, PART_BYTES, WEIGHTS, TestHub


def is_large(hub: TestHub, repo: str, path: str) -> bool:
    [file] = hub.owner.get_paths_info(repo, path)
    assert isinstance(file, RepoFile)
    return file.lfs is not None


@pytest.mark.parametrize(
    ("path", "content", "large"),
    [
        ("a.txt", b"text", False),
        ("a.txt", "ş".encode() * 400, False),
        ("a.txt", b"\x00binary", True),
        ("a.txt", b"\xff\xfe not utf-8", True),
        ("a.safetensors", b"text", True),
        ("deep/er/a.parquet", b"text", True),
        ("empty.bin", b"", False),
        ("big.txt", b"a" * (10 * 1024 * 1024 + 1), True),
    ],
    ids=["text", "cut letter", "zeros", "not utf-8", "by name", "by name below", "empty", "by size"],
)
def test_upload_routes_decide_which_files_are_large(
    hub: TestHub, empty_model: str, tmp_path: Path, path: str, content: bytes, large: bool
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("warnings.warn", lambda *_, **__: None)  # a parquet file in a model repo
        hub.owner.upload_file(path_or_fileobj=content, path_in_repo=path, repo_id=empty_model)
    assert is_large(hub, empty_model, path) is large
    got = hub.owner.hf_hub_download(empty_model, path, cache_dir=tmp_path)
    assert Path(got).read_bytes() == content


def test_upload_routes_follow_the_repos_own_rules(hub: TestHub, empty_model: str) -> None:
    rules = b"*.special filter=lfs diff=lfs merge=lfs -text\n"
    hub.owner.upload_file(path_or_fileobj=rules, path_in_repo=".gitattributes", repo_id=empty_model)
    for path, large in (("a.special", True), ("a.safetensors", False)):
        hub.owner.upload_file(path_or_fileobj=b"text", path_in_repo=path, repo_id=empty_model)
        assert is_large(hub, empty_model, path) is large


def test_upload_routes_leave_out_what_gitignore_names(hub: TestHub, empty_model: str, tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*.log\n")
    (tmp_path / "a.log").write_text("1")
    (tmp_path / "a.txt").write_text("1")
    hub.owner.upload_folder(repo_id=empty_model, folder_path=tmp_path)
    assert hub.owner.list_repo_files(empty_model) == [".gitattributes", ".gitignore", "a.txt"]
    hub.owner.upload_file(path_or_fileobj=b"2", path_in_repo="b.log", repo_id=empty_model)
    assert "b.log" not in hub.owner.list_repo_files(empty_model)


@pytest.mark.parametrize("size", [PART_BYTES + 1, 5 * PART_BYTES, 5 * PART_BYTES - 1])
def test_upload_routes_take_a_large_file_in_parts(
    hub: TestHub, empty_model: str, tmp_path: Path, size: int
) -> None:
    source = tmp_path / "model.safetensors"
    source.write_bytes(hashlib.shake_256(b"%d" % size).digest(size))
    hub.owner.upload_file(path_or_fileobj=source, path_in_repo=source.name, repo_id=empty_model)
    got = hub.anonymous.hf_hub_download(empty_model, source.name, cache_dir=tmp_path / "cache")
    assert Path(got).read_bytes() == source.read_bytes()
    folder = hub.root / "models" / f"{empty_model}.git" / "lfs"
    assert list((folder / "incoming").iterdir()) == []
    log = hub.log.read_text()
    assert f"{empty_model}.git/lfs-upload/" in log
    assert "/complete 200" in log


def test_upload_routes_ask_for_a_large_file_once(hub: TestHub, model: str) -> None:
    before = hub.log.read_text().count(f"PUT /{model}.git/lfs-upload")
    hub.owner.upload_file(path_or_fileobj=WEIGHTS, path_in_repo="copy.safetensors", repo_id=model)
    assert hub.log.read_text().count(f"PUT /{model}.git/lfs-upload") == before == 1
    assert is_large(hub, model, "copy.safetensors")


def believed_uploaded(path: str, content: bytes) -> CommitOperationAdd:
    """A file that the client commits without sending its bytes, sure that they are there."""
    add = CommitOperationAdd(path, content)
    add._upload_mode, add._should_ignore, add._is_uploaded = "lfs", False, True
    return add


def upload_link(hub: TestHub, repo: str, content: bytes) -> str:
    info = UploadInfo.from_bytes(content)
    [action], _, _ = post_lfs_batch_info([info], OWNER.token, "model", repo, endpoint=hub.endpoint)
    href = action["actions"]["upload"]["href"]
    assert isinstance(href, str)
    return href


def test_upload_routes_refuse_other_bytes_than_announced(hub: TestHub, model: str) -> None:
    content = b"the right bytes" * 9
    for sent in (b"wrong" * 9, content[:-1], content + b"!"):
        answer = get_session().put(upload_link(hub, model, content), content=sent)
        with pytest.raises(BadRequestError):
            hf_raise_for_status(answer)
    with pytest.raises(BadRequestError, match="upload it first"):
        hub.owner.create_commit(model, [believed_uploaded("late.bin", content)], commit_message="late")
    hf_raise_for_status(get_session().put(upload_link(hub, model, content), content=content))
    hub.owner.create_commit(model, [CommitOperationAdd("late.bin", content)], commit_message="late")


def test_upload_routes_refuse_a_link_that_was_not_signed(hub: TestHub, model: str) -> None:
    link = upload_link(hub, model, b"\0bytes")
    for forged in (
        link[:-1] + ("0" if link[-1] != "0" else "1"),
        link.partition("?")[0],
        link.replace("expires=", "expires=9"),
    ):
        with pytest.raises(HfHubHTTPError) as refused:
            hf_raise_for_status(get_session().put(forged, content=b"\0bytes"))
        assert refused.value.response.status_code == 403


def test_upload_routes_the_bytes_of_one_repo_are_not_anothers(
    hub: TestHub, model: str, empty_model: str
) -> None:
    stolen = believed_uploaded("stolen.bin", WEIGHTS)
    with pytest.raises(BadRequestError, match="upload it first"):
        hub.owner.create_commit(empty_model, [stolen], commit_message="not mine")


def test_upload_routes_copies_and_moves_are_made_of_what_is_there(
    hub: TestHub, model: str, tmp_path: Path
) -> None:
    hub.owner.create_commit(
        model,
        [
            CommitOperationCopy("model.safetensors", "moved/model.safetensors"),
            CommitOperationCopy("README.md", "moved/README.md"),
            CommitOperationDelete("model.safetensors"),
        ],
        commit_message="move",
    )
    got = hub.owner.hf_hub_download(model, "moved/model.safetensors", cache_dir=tmp_path)
    assert Path(got).read_bytes() == WEIGHTS
    assert "model.safetensors" not in hub.owner.list_repo_files(model)


def test_upload_routes_a_folder_is_one_commit(hub: TestHub, empty_model: str, tmp_path: Path) -> None:
    for number in range(30):
        path = tmp_path / f"{number % 3}" / f"{number}.bin"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"\0%d" % number)
    hub.owner.upload_folder(repo_id=empty_model, folder_path=tmp_path, commit_message="all")
    assert [commit.title for commit in hub.owner.list_repo_commits(empty_model)] == ["all", "initial commit"]
    assert len(hub.owner.list_repo_files(empty_model)) == 31
