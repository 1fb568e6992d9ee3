from __future__ import annotations

import pytest
from huggingface_hub.errors import (
    BadRequestError,
    HfHubHTTPError,
    RevisionNotFoundError,
)

from tests.localhub.conftest import TestHub


def test_ref_routes_tags_are_made_once_and_deleted(hub: TestHub, model: str) -> None:
    head, first = [commit.commit_id for commit in hub.owner.list_repo_commits(model)]
    hub.owner.create_tag(model, tag="v1", tag_message="The first.")
    hub.owner.create_tag(model, tag="v0", revision=first)
    tags = {tag.name: (tag.ref, tag.target_commit) for tag in hub.owner.list_repo_refs(model).tags}
    assert tags == {"v0": ("refs/tags/v0", first), "v1": ("refs/tags/v1", head)}
    with pytest.raises(HfHubHTTPError) as refused:
        hub.owner.create_tag(model, tag="v1")
    assert refused.value.response.status_code == 409
    hub.owner.create_tag(model, tag="v1", exist_ok=True)
    with pytest.raises(RevisionNotFoundError):
        hub.owner.create_tag(model, tag="v2", revision="nowhere")
    with pytest.raises(BadRequestError):
        hub.owner.create_tag(model, tag="no..tag")
    # Of a bad name at a revision that is missing, the client hears of the revision.
    with pytest.raises(RevisionNotFoundError):
        hub.owner.create_tag(model, tag="no..tag", revision="nowhere")
    hub.owner.delete_tag(model, tag="v1")
    with pytest.raises(RevisionNotFoundError):
        hub.owner.delete_tag(model, tag="v1")


def test_ref_routes_branches_are_made_once_and_deleted(hub: TestHub, model: str) -> None:
    head, first = [commit.commit_id for commit in hub.owner.list_repo_commits(model)]
    hub.owner.create_branch(model, branch="next/one")
    hub.owner.create_branch(model, branch="old", revision=first)
    branches = {ref.name: ref.target_commit for ref in hub.owner.list_repo_refs(model).branches}
    assert branches == {"main": head, "next/one": head, "old": first}
    with pytest.raises(HfHubHTTPError) as refused:
        hub.owner.create_branch(model, branch="old")
    assert refused.value.response.status_code == 409
    hub.owner.create_branch(model, branch="old", exist_ok=True)
    with pytest.raises(RevisionNotFoundError):
        hub.owner.create_branch(model, branch="new", revision="nowhere")
    hub.owner.delete_branch(model, branch="next/one")
    with pytest.raises(RevisionNotFoundError):
        hub.owner.delete_branch(model, branch="next/one")
    with pytest.raises(HfHubHTTPError, match="Cannot delete refs/heads/main"):
        hub.owner.delete_branch(model, branch="main")
    with pytest.raises(HfHubHTTPError, match="Reference refs/heads/main already exists"):
        hub.owner.create_branch(model, branch="main")
    with pytest.raises(BadRequestError, match="Invalid reference for a branch"):
        hub.owner.create_branch(model, branch="refs/pr/5")


def test_ref_routes_a_squashed_branch_has_its_files_and_no_past(hub: TestHub, model: str) -> None:
    hub.owner.create_branch(model, branch="v0.1")
    files = hub.owner.list_repo_files(model)
    hub.owner.super_squash_history(model)
    [squashed] = hub.owner.list_repo_commits(model)
    assert squashed.title == "Super-squash branch 'main' using huggingface_hub"
    assert hub.owner.list_repo_files(model) == files
    assert len(hub.owner.list_repo_commits(model, revision="v0.1")) == 2
    hub.owner.super_squash_history(model, branch="v0.1", commit_message="small")
    assert [one.title for one in hub.owner.list_repo_commits(model, revision="v0.1")] == ["small"]
    with pytest.raises(HfHubHTTPError, match='role "read"'):
        hub.reader.super_squash_history(model)


def test_ref_routes_refs_list_pull_requests_as_revisions(hub: TestHub, model: str) -> None:
    assert hub.owner.list_repo_refs(model, include_pull_requests=True).pull_requests == []
    assert hub.owner.list_repo_refs(model).pull_requests is None
