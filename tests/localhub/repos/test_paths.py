from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path

import pygit2
import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationDelete
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError

from localhub.errors import Unprocessable
from localhub.repos.commits import read_request
from localhub.repos.paths import clean_path
from tests.localhub.conftest import TestHub

NO_PATHS = [
    "..\\x", "a/..\\..\\x", "../a", "a/../b", "/a", "a//b", ".", "", "a/.GIT/config", "a\\.git\\config",
    "\\a", "\\\\host\\share", "C:\\a", "D:a", "a/C:b", "a\0", "a\nb", "a\x1b]0;x\x07", "a\x9b", "a\x7f",
    "a\u2028b", "a" * 4097, "dir/" + "ş" * 2047,
]  # fmt: skip


@pytest.mark.parametrize("path", NO_PATHS)
def test_paths_no_commit_has_a_path_that_a_download_could_not_write(path: str, tmp_path: Path) -> None:
    with pytest.raises(Unprocessable, match="Not a path in a repo") as refused:
        clean_path(path)
    assert refused.value.message.isprintable()
    git = pygit2.init_repository(str(tmp_path), bare=True)
    for key in ("file", "lfsFile", "deletedFile", "deletedFolder"):
        value = {"path": path, "content": "", "oid": "a" * 64}
        lines = [{"key": "header", "value": {"summary": "1"}}, {"key": key, "value": value}]
        with pytest.raises(Unprocessable):
            read_request(BytesIO("\n".join(map(json.dumps, lines)).encode()), git)


@pytest.mark.parametrize("path", ["a", "a/b c/ş.txt", "a\\b", "ab:c", "...", "a..b", ".gitattributes", "a/"])
def test_paths_others_are_kept_as_they_are(path: str) -> None:
    assert clean_path(path) == path.rstrip("/")


def test_paths_the_client_is_told_with_422_and_downloads_go_on(
    hub: TestHub, model: str, tmp_path: Path
) -> None:
    for path in ("..\\ddd", "a\x1bb"):
        with pytest.raises(HfHubHTTPError, match="Not a path in a repo") as refused:
            hub.owner.upload_file(path_or_fileobj=b"1", path_in_repo=path, repo_id=model)
        assert refused.value.response.status_code == 422
    hub.anonymous.snapshot_download(model, cache_dir=tmp_path)


def test_paths_a_folder_is_deleted_without_a_slash_at_its_end(hub: TestHub, model: str) -> None:
    hub.owner.create_commit(model, [CommitOperationDelete("1_Pooling")], commit_message="delete")
    assert hub.owner.list_repo_files(model) == [".gitattributes", "README.md", "model.safetensors"]
    with pytest.raises(EntryNotFoundError):
        hub.owner.create_commit(model, [CommitOperationDelete("1_Pooling")], commit_message="delete")
    hub.owner.create_commit(model, [CommitOperationAdd("1_Pooling", b"")], commit_message="a file now")
