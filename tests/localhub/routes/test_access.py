from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import pytest
from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
)
from huggingface_hub.utils._http import get_session, hf_raise_for_status

from tests.localhub.conftest import OTHER, OWNER, READER, TestHub


def test_access_routes_a_gated_repo_keeps_its_files(hub: TestHub, model: str) -> None:
    hub.owner.update_repo_settings(model, gated="manual")
    assert hub.anonymous.model_info(model).gated == "manual"
    for api in (hub.anonymous, hub.reader):
        with pytest.raises(GatedRepoError):
            api.hf_hub_download(model, "README.md")
    hub.owner.hf_hub_download(model, "README.md")
    hub.owner.update_repo_settings(model, gated=False)
    assert hub.anonymous.model_info(model).gated is False


READS = (
    "/api/models/{repo}/auth-check",
    "/{repo}/resolve/main/README.md",
    "/{repo}/resolve/main/model.safetensors",
    "/{repo}/large-file/main/model.safetensors",
    "/{repo}/raw/main/README.md",
    "/{repo}/raw/main/model.safetensors",
    "/{repo}/blob/main/1_Pooling/config.json",
)


@pytest.mark.parametrize("gate", ["auto", "manual"])
def test_access_routes_a_gated_repo_refuses_reads_through_every_address(
    hub: TestHub, model: str, gate: Literal["auto", "manual"]
) -> None:
    hub.owner.create_commit(
        model, [CommitOperationAdd("a.txt", b"of the pull request")], commit_message="1", create_pr=True
    )
    hub.owner.update_repo_settings(model, gated=gate)
    for user in (None, READER, OTHER):
        headers = {} if user is None else {"Authorization": f"Bearer {user.token}"}
        for address in READS:
            for method in ("GET", "HEAD"):
                url = hub.endpoint + address.format(repo=model)
                answer = get_session().request(method, url, headers=headers, follow_redirects=False)
                assert answer.status_code == (401 if user is None else 403), (address, user)
                assert answer.headers["X-Error-Code"] == "GatedRepo"
                assert b'"a": 1' not in answer.content
        api = HfApi(endpoint=hub.endpoint, token=user.token if user else False)
        assert api.get_discussion_details(model, 1).diff is None
    for address in READS:
        url = hub.endpoint + address.format(repo=model)
        answer = get_session().get(url, headers={"Authorization": f"Bearer {OWNER.token}"})
        assert answer.status_code in (200, 302), address


def test_access_routes_a_team_reads_what_it_gated_itself(hub: TestHub, names: Iterator[str]) -> None:
    repo = f"team/{next(names).partition('/')[2]}"
    other = HfApi(endpoint=hub.endpoint, token=OTHER.token)
    hub.owner.create_repo(repo)
    hub.owner.update_repo_settings(repo, gated="manual")
    other.auth_check(repo)
    with pytest.raises(GatedRepoError):
        hub.reader.auth_check(repo)


def test_access_routes_access_is_asked_for_and_decided(hub: TestHub, model: str) -> None:
    hub.owner.update_repo_settings(model, gated="manual")
    ask = f"{hub.endpoint}/{model}/ask-access"
    headers = {"Authorization": f"Bearer {READER.token}"}
    assert get_session().post(ask, headers=headers).status_code == 200
    assert get_session().post(ask, headers=headers).status_code == 400
    assert get_session().post(ask).status_code == 401
    [asked] = hub.owner.list_pending_access_requests(model)
    assert (asked.username, asked.email) == ("bob", None)
    with pytest.raises(GatedRepoError):
        hub.reader.auth_check(model)
    hub.owner.accept_access_request(model, request_id=asked.request_id)
    hub.reader.hf_hub_download(model, "README.md")
    hub.owner.reject_access_request(model, "bob", rejection_reason="No more.")
    with pytest.raises(GatedRepoError, match="ask for access"):
        hub.reader.auth_check(model)
    hub.owner.update_repo_settings(model, gated="auto")
    with pytest.raises(HfHubHTTPError, match="bob has asked"):
        hf_raise_for_status(get_session().post(ask, headers=headers))


def test_access_routes_auto_grants_to_whoever_asks(hub: TestHub, model: str) -> None:
    ask = f"{hub.endpoint}/{model}/ask-access"
    headers = {"Authorization": f"Bearer {READER.token}"}
    assert get_session().post(ask, headers=headers).status_code == 400  # not gated
    hub.owner.update_repo_settings(model, gated="auto")
    get_session().post(ask, headers=headers)
    hub.reader.auth_check(model)
    hub.owner.cancel_access_request(model, "bob")
    with pytest.raises(GatedRepoError):
        hub.reader.auth_check(model)


def test_access_routes_access_is_decided_once_and_by_writers(hub: TestHub, model: str) -> None:
    with pytest.raises(HfHubHTTPError, match="not gated"):
        hub.owner.grant_access(model, "bob")
    hub.owner.update_repo_settings(model, gated="manual")
    hub.owner.grant_access(model, "bob")
    for again in (
        lambda: hub.owner.grant_access(model, "bob"),
        lambda: hub.owner.grant_access(model, "nobody"),
        lambda: hub.owner.accept_access_request(model, "bob"),
        lambda: hub.owner.cancel_access_request(model, "eve"),
        lambda: hub.reader.reject_access_request(model, "bob", rejection_reason=None),
        lambda: list(hub.reader.list_accepted_access_requests(model)),
    ):
        with pytest.raises(HfHubHTTPError):
            again()
