from __future__ import annotations

import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError

from localhub.users import User, Users, parse_user
from tests.localhub.conftest import TestHub


def test_users_whoami_gives_name_and_role(hub: TestHub) -> None:
    owner, reader = hub.owner.whoami(), hub.reader.whoami()
    assert (owner["name"], owner["auth"]["accessToken"]["role"]) == ("ann", "write")
    assert (reader["name"], reader["auth"]["accessToken"]["role"]) == ("bob", "read")
    assert owner["type"] == "user"


def test_users_an_unknown_token_is_401_and_not_a_missing_repo(hub: TestHub, model: str) -> None:
    stranger = HfApi(endpoint=hub.endpoint, token="token-of-nobody")
    for ask in (stranger.whoami, lambda: stranger.model_info(model)):
        with pytest.raises(HfHubHTTPError) as refused:
            ask()
        assert refused.value.response.status_code == 401
        assert type(refused.value) is HfHubHTTPError
        assert refused.value.response.headers["X-Error-Code"] == "InvalidCredentials"


@pytest.mark.parametrize("name", ["ann", "__dummy__", "a.b-c", "_"])
def test_users_have_the_names_that_the_hub_gives(name: str) -> None:
    assert parse_user(f"{name}:write:t").name == name


def test_users_a_read_token_may_not_write(hub: TestHub, model: str) -> None:
    for write in (
        lambda: hub.reader.create_repo("bob/new"),
        lambda: hub.reader.delete_repo(model),
        lambda: hub.reader.upload_file(path_or_fileobj=b"1", path_in_repo="a", repo_id=model),
        lambda: hub.reader.create_tag(model, tag="v1"),
        lambda: hub.reader.create_branch(model, branch="b"),
        lambda: hub.reader.update_repo_settings(model, private=True),
    ):
        with pytest.raises(HfHubHTTPError, match='role "read"') as refused:
            write()
        assert refused.value.response.status_code == 403
        assert refused.value.response.headers["X-Error-Code"] == "Forbidden"
    assert hub.reader.model_info(model).private is False


def test_users_without_a_token_nothing_is_written(hub: TestHub, model: str) -> None:
    for write in (
        lambda: hub.anonymous.create_repo("new"),
        lambda: hub.anonymous.create_tag(model, tag="v1"),
    ):
        with pytest.raises(HfHubHTTPError) as refused:
            write()
        assert refused.value.response.status_code == 401


def test_users_no_token_is_ever_shown() -> None:
    user = parse_user("ann:write:s3cret:with:colons")
    assert user == User("ann", "write", "s3cret:with:colons")
    assert "s3cret" not in repr(user)


@pytest.mark.parametrize(
    "text", ["ann", "ann:write", "ann:admin:s3cret", ":read:s3cret", "ann:read:", "ann:read:s3cret s3cret"]
)
def test_users_a_bad_user_is_refused_without_its_token(text: str) -> None:
    with pytest.raises(ValueError, match="NAME:ROLE:TOKEN") as refused:
        parse_user(text)
    assert "s3cret" not in str(refused.value)


def test_users_one_token_cannot_be_two_peoples() -> None:
    with pytest.raises(ValueError, match="ann and bob have the same token") as refused:
        Users([User("bob", "read", "s3cret"), User("ann", "read", "s3cret")])
    assert "s3cret" not in str(refused.value)
