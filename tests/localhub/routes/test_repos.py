from __future__ import annotations

from collections.abc import Iterator

import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import (
    BadRequestError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from tests.localhub.conftest import CARD, WEIGHTS, TestHub


@pytest.mark.parametrize("kind", ["model", "dataset"])
def test_repo_routes_a_repo_is_created_once_and_deleted(
    hub: TestHub, names: Iterator[str], kind: str
) -> None:
    repo = next(names)
    url = hub.owner.create_repo(repo, repo_type=kind)
    assert (url.endpoint, url.repo_type, url.repo_id) == (hub.endpoint, kind, repo)
    assert hub.owner.create_repo(repo, repo_type=kind, exist_ok=True) == url
    with pytest.raises(HfHubHTTPError, match="already created") as refused:
        hub.owner.create_repo(repo, repo_type=kind)
    assert refused.value.response.status_code == 409
    assert hub.owner.repo_exists(repo, repo_type=kind)
    assert not hub.owner.repo_exists(repo, repo_type="dataset" if kind == "model" else "model")
    hub.owner.delete_repo(repo, repo_type=kind)
    hub.owner.delete_repo(repo, repo_type=kind, missing_ok=True)
    with pytest.raises(RepositoryNotFoundError):
        hub.owner.delete_repo(repo, repo_type=kind)
    hub.owner.create_repo(repo, repo_type=kind)
    assert hub.owner.list_repo_files(repo, repo_type=kind) == [".gitattributes"]


def test_repo_routes_a_name_without_a_namespace_is_the_callers(hub: TestHub) -> None:
    assert hub.owner.create_repo("plain-name").repo_id == "ann/plain-name"


@pytest.mark.parametrize("repo", ["api/name", "datasets/name", "ann/" + "x" * 95])
def test_repo_routes_a_name_that_cannot_be_is_refused(hub: TestHub, repo: str) -> None:
    with pytest.raises((BadRequestError, ValueError)):
        hub.owner.create_repo(repo)


def test_repo_routes_a_space_is_refused(hub: TestHub) -> None:
    with pytest.raises(BadRequestError, match="models and datasets"):
        hub.owner.create_repo("ann/space", repo_type="space", space_sdk="static")


def test_repo_routes_info_describes_the_repo(hub: TestHub, model: str) -> None:
    info = hub.anonymous.model_info(model, files_metadata=True)
    assert (info.id, info.author, info.private, info.gated) == (model, "ann", False, False)
    assert info.sha == hub.owner.list_repo_commits(model)[0].commit_id
    assert info.last_modified is not None
    assert info.created_at is not None
    assert info.card_data is not None
    assert info.card_data.license == "mit"
    assert info.card_data.language == ["tr"]
    assert info.tags == ["telecom", "tr", "license:mit"]
    assert info.siblings is not None
    files = {file.rfilename: file for file in info.siblings}
    assert sorted(files) == [".gitattributes", "1_Pooling/config.json", "README.md", "model.safetensors"]
    assert files["README.md"].size == len(CARD)
    assert files["README.md"].lfs is None
    weights = files["model.safetensors"]
    assert weights.lfs is not None
    assert weights.size == weights.lfs.size == len(WEIGHTS)


def test_repo_routes_info_without_blobs_has_names_only(hub: TestHub, model: str) -> None:
    siblings = hub.owner.model_info(model).siblings
    assert siblings is not None
    assert {file.size for file in siblings} == {None}


def test_repo_routes_info_at_a_revision(hub: TestHub, model: str) -> None:
    first = hub.owner.list_repo_commits(model)[-1].commit_id
    hub.owner.create_tag(model, tag="old/v0", revision=first)
    for revision in (first, first[:7], "old/v0"):
        info = hub.owner.model_info(model, revision=revision)
        assert (info.sha, info.card_data) == (first, None)
    with pytest.raises(RevisionNotFoundError):
        hub.owner.model_info(model, revision="nowhere")
    with pytest.raises(RevisionNotFoundError):
        hub.owner.model_info(model, revision="0" * 40)


def test_repo_routes_an_unknown_repo_is_repo_not_found(hub: TestHub) -> None:
    for api in (hub.owner, hub.anonymous):
        for kind in ("model", "dataset"):
            with pytest.raises(RepositoryNotFoundError):
                api.repo_info("ann/nothing-here", repo_type=kind)
    with pytest.raises(RepositoryNotFoundError):
        hub.owner.model_info("single-name")


def test_repo_routes_a_private_repo_is_not_found_without_a_token(hub: TestHub, names: Iterator[str]) -> None:
    repo = next(names)
    hub.owner.create_repo(repo, private=True)
    assert hub.owner.model_info(repo).private is True
    assert hub.reader.model_info(repo).sha
    for ask in (
        lambda: hub.anonymous.model_info(repo),
        lambda: list(hub.anonymous.list_repo_tree(repo)),
        lambda: hub.anonymous.list_repo_refs(repo),
        lambda: hub.anonymous.hf_hub_download(repo, ".gitattributes"),
    ):
        with pytest.raises(RepositoryNotFoundError):
            ask()
    assert repo not in [found.id for found in hub.anonymous.list_models()]
    assert repo in [found.id for found in hub.owner.list_models(author="ann", search=repo[4:])]


def test_repo_routes_settings_hide_and_show_a_repo(hub: TestHub, model: str) -> None:
    hub.owner.update_repo_settings(model, private=True)
    assert not hub.anonymous.repo_exists(model)
    hub.owner.update_repo_settings(model, visibility="public")
    assert hub.anonymous.repo_exists(model)


def test_repo_routes_own_repos_are_listed_with_what_they_take(hub: TestHub, model: str) -> None:
    mine = {repo.id: repo for repo in hub.owner.list_user_repos()}
    assert mine[model].storage > len(WEIGHTS)
    assert (mine[model].type, mine[model].visibility) == ("model", "public")
    assert {repo.id for repo in hub.owner.list_user_repos(namespace="ann")} == set(mine)
    assert list(hub.reader.list_user_repos()) == []


def test_repo_routes_auth_check_tells_who_may_write(hub: TestHub, model: str) -> None:
    hub.owner.auth_check(model, write=True)
    hub.reader.auth_check(model)
    with pytest.raises(HfHubHTTPError) as refused:
        hub.reader.auth_check(model, write=True)
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize(
    ("card", "message"),
    [
        (b"---\ntags: [a\n---\n", "not valid YAML"),
        (b"---\n- a\n---\n", "must be a mapping"),
        (b"---\nlicense: 3\n---\n", '"license"'),
        (b"---\nlicense: Apache 2.0\n---\n", '"license" must be one of'),
        (b"---\nlanguage: [tr, Turkish]\n---\n", '"language" must only contain'),
        (b"---\nmodel-index: 3\n---\n", '"model-index"'),
        (b"---\na: &a [1,1,1,1,1,1,1,1,1]\n" + b"".join(
            b"%c: &%c [%s]\n" % (97 + n, 97 + n, b",".join([b"*%c" % (96 + n)] * 9)) for n in range(1, 9)
        ) + b"---\n", "more than"),
    ],
)  # fmt: skip
def test_repo_routes_a_card_with_bad_metadata_is_refused(
    hub: TestHub, empty_model: str, card: bytes, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        hub.owner.upload_file(path_or_fileobj=card, path_in_repo="README.md", repo_id=empty_model)


def test_repo_routes_a_card_without_metadata_is_warned_of(hub: TestHub, empty_model: str) -> None:
    with pytest.warns(UserWarning, match="empty or missing yaml metadata"):
        hub.owner.upload_file(path_or_fileobj=b"# Hi", path_in_repo="README.md", repo_id=empty_model)
    assert hub.owner.model_info(empty_model).card_data is None


def test_repo_routes_an_address_of_the_real_hub_that_is_not_here_is_404(hub: TestHub, model: str) -> None:
    with pytest.raises(HfHubHTTPError) as refused:
        HfApi(endpoint=hub.endpoint, token=False).get_discussion_details(model, 1)
    assert refused.value.response.status_code == 404
