"""Pull requests as the client opens them, for all tests that merge or look at some."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from huggingface_hub import CommitInfo, CommitOperationAdd, CommitOperationDelete, HfApi
from huggingface_hub.errors import HfHubHTTPError

from tests.localhub.conftest import CARD, WEIGHTS

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
