"""What a token may write is what `/api/whoami-v2` says of it."""

from typing import Any

import pytest

from pipeline.hub.accounts import account


def answer(role: str = "write", organizations: Any = None, scopes: Any = None) -> dict[str, Any]:
    """Give what the Hub answers, as far as it is read."""
    token = {"displayName": "ours", "role": role} | ({} if scopes is None else {"fineGrained": scopes})
    orgs = {} if organizations is None else {"orgs": organizations}
    return {"name": "ada", "auth": {"type": "access_token", "accessToken": token}} | orgs


def scope(kind: str, name: str, *permissions: str) -> dict[str, Any]:
    return {"entity": {"_id": "0", "type": kind, "name": name}, "permissions": list(permissions)}


ACME = [{"name": "acme", "roleInOrg": "write"}, {"name": "watchers", "roleInOrg": "read"}]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (answer(), None),
        (answer(organizations=[]), None),
        (answer(organizations=ACME), None),
        (answer("read"), "may only read; wanted one that may write"),
        (answer("fineGrained", scopes={"scoped": []}), "may write no repository; wanted ada/tuned or ada"),
        (answer("fineGrained", scopes={"scoped": [scope("user", "ada", "repo.write")]}), None),
        (answer("fineGrained", scopes={"scoped": [scope("model", "ada/tuned", "repo.write")]}), None),
        (
            answer("fineGrained", scopes={"scoped": [scope("model", "ada/other", "repo.write")]}),
            "the fine-grained token of ada may write ada/other; wanted ada/tuned or ada. Add",
        ),
        (
            answer("fineGrained", scopes={"scoped": [scope("user", "ada", "repo.content.read")]}),
            "may write no repository",
        ),
        # What is not in the form that is known is no reason to refuse, nor to fail.
        ({"name": "ada"}, None),
        ({"name": "ada", "auth": None, "orgs": [None, 3]}, None),
    ],
)
def test_account_says_whether_it_may_write_its_own_repository(
    given: dict[str, Any], said: str | None
) -> None:
    refusal = account(given).refusal("ada/tuned")
    assert (refusal is None) if said is None else (refusal is not None and said in refusal)


@pytest.mark.parametrize(
    ("owner", "said"),
    [
        ("acme", None),
        ("watchers", "ada has the role read in watchers; wanted one that may write watchers/tuned"),
        ("others", "ada is no member of others (but of: acme, watchers)"),
    ],
)
def test_account_says_whether_it_may_write_an_organization(owner: str, said: str | None) -> None:
    refusal = account(answer(organizations=ACME)).refusal(f"{owner}/tuned")
    assert (refusal is None) if said is None else (refusal is not None and said in refusal)
