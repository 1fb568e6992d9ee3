from __future__ import annotations

from pathlib import Path

import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import RevisionNotFoundError

from tests.localhub.conftest import CARD, TestHub


def test_revisions_a_pull_requests_ref_is_a_revision_like_any_other(
    hub: TestHub, model: str, tmp_path: Path
) -> None:
    first = hub.owner.model_info(model).sha
    hub.owner.create_pull_request(model, "A draft")
    assert hub.owner.model_info(model, revision="refs/pr/1").sha == first
    made = hub.owner.upload_file(
        path_or_fileobj=CARD + b"More.\n",
        path_in_repo="README.md",
        repo_id=model,
        revision="refs/pr/1",
        parent_commit=first,
    )
    got = hub.owner.hf_hub_download(model, "README.md", revision="refs/pr/1", cache_dir=tmp_path)
    assert Path(got).read_bytes() == CARD + b"More.\n"
    refs = hub.owner.list_repo_refs(model, include_pull_requests=True)
    assert refs.pull_requests is not None
    assert [(ref.name, ref.ref, ref.target_commit) for ref in refs.pull_requests] == [
        ("refs/pr/1", "refs/pr/1", made.oid)
    ]
    assert [ref.name for ref in refs.branches] == ["main"]


def test_revisions_a_branch_goes_before_a_tag_of_its_name(hub: TestHub, model: str) -> None:
    head, first = [commit.commit_id for commit in hub.owner.list_repo_commits(model)]
    hub.owner.create_tag(model, tag="both", revision=first)
    assert hub.owner.model_info(model, revision="both").sha == first
    hub.owner.create_branch(model, branch="both")
    assert hub.owner.model_info(model, revision="both").sha == head


@pytest.mark.parametrize(
    "revision", ["main~1", "main@{1}", "HEAD", "refs/heads", "refs/pr/1", "../main", "abcdef", " ", "-"]
)
def test_revisions_gits_own_ways_to_name_a_commit_are_not_the_hubs(
    hub: TestHub, model: str, revision: str
) -> None:
    with pytest.raises(RevisionNotFoundError):
        hub.owner.model_info(model, revision=revision)


def test_revisions_a_tag_lives_on_when_its_branch_is_gone(hub: TestHub, model: str) -> None:
    api: HfApi = hub.owner
    api.create_branch(model, branch="next")
    made = api.upload_file(path_or_fileobj=b"1", path_in_repo="a", repo_id=model, revision="next")
    api.create_tag(model, tag="v2", revision="next", tag_message="İkinci sürüm")
    api.delete_branch(model, branch="next")
    assert api.model_info(model, revision="v2").sha == made.oid
