from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from localhub.errors import BadRequest, NotAsked
from localhub.repos import access
from localhub.repos.storage import Gated, Repo, RepoId, Store
from localhub.users import User, Users

ANN = User("ann", "write", "a")
ANN_READING = User("ann", "read", "b")
BOB = User("bob", "read", "c")
EVE = User("eve", "write", "d")
USERS = Users([ANN, ANN_READING, BOB, EVE])


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def repo_of(store: Store, namespace: str = "ann", gated: Gated = "manual") -> Repo:
    repo_id = RepoId("model", namespace, "m")
    store.change_settings(store.create(repo_id, private=False, author="ann"), private=None, gated=gated)
    found = store.find(repo_id)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("namespace", "gated", "readers"),
    [
        ("ann", False, {None, ANN, ANN_READING, BOB, EVE}),
        ("ann", "manual", {ANN}),
        ("ann", "auto", {ANN}),  # who asks gets it at once, and has to ask
        ("team", "manual", {ANN, EVE}),
    ],
)
def test_access_is_that_of_owner_and_team_until_somebody_is_granted_it(
    store: Store, namespace: str, gated: Gated, readers: set[User | None]
) -> None:
    repo = repo_of(store, namespace, gated)
    asking = (None, ANN, ANN_READING, BOB, EVE)
    assert {user for user in asking if access.may_read(repo, user, USERS)} == readers
    if gated:
        access.grant(repo, "bob")
        assert access.may_read(repo, BOB, USERS)


def test_access_that_was_rejected_ends_also_for_the_team_but_not_for_the_owner(store: Store) -> None:
    team, own = repo_of(store, "team"), repo_of(store, "ann")
    for repo, user in ((team, EVE), (own, ANN)):
        access.ask(repo, user.name)
        assert access.may_read(repo, user, USERS) is (user is ANN)  # who has only asked waits as others do
        access.handle(repo, user.name, None, "rejected", "no")
    assert not access.may_read(team, EVE, USERS)
    assert access.may_read(own, ANN, USERS)


@pytest.mark.parametrize(("gated", "status"), [("auto", "accepted"), ("manual", "pending")])
def test_access_is_asked_for_once(
    store: Store, gated: Literal["auto", "manual"], status: access.Status
) -> None:
    repo = repo_of(store, gated=gated)
    asked = access.ask(repo, "bob")
    assert (asked.user, asked.status) == ("bob", status)
    assert access.requests(repo, status) == [asked]
    with pytest.raises(BadRequest, match="bob has asked for access to ann/m before"):
        access.ask(repo, "bob")


def test_access_is_decided_by_name_or_number_and_only_ever_changed(store: Store) -> None:
    repo = repo_of(store)
    first, second = access.ask(repo, "bob"), access.ask(repo, "eve")
    assert access.requests(repo, "pending") == [first, second]  # the oldest first
    rejected = access.handle(repo, None, first.id, "rejected", "unknown")
    assert rejected.row() == {
        "requestId": first.id,
        "status": "rejected",
        "timestamp": first.timestamp,
        "user": {"user": "bob", "fullname": "bob"},
        "rejectionReason": "unknown",
    }
    accepted = access.handle(repo, "bob", None, "accepted", "a reason that is none any more")
    assert (accepted.id, accepted.reason) == (first.id, None)
    assert "rejectionReason" not in accepted.row()
    for user, number, status in (
        ("bob", None, "accepted"),
        ("nobody", None, "accepted"),
        (None, "0", "pending"),
    ):
        with pytest.raises(NotAsked):
            access.handle(repo, user, number, status, None)
    with pytest.raises(BadRequest, match="\"status\" is one of pending, accepted, rejected, got 'maybe'"):
        access.handle(repo, "bob", None, "maybe", None)
    with pytest.raises(BadRequest, match="bob has access to ann/m already"):
        access.grant(repo, "bob")
    assert access.requests(repo, "accepted") == [accepted]


def test_access_of_a_repo_that_is_open_is_nothing_to_ask_for(store: Store) -> None:
    repo = repo_of(store, gated=False)
    with pytest.raises(BadRequest, match="ann/m is not gated"):
        access.ask(repo, "bob")
    with pytest.raises(BadRequest, match="ann/m is not gated"):
        access.grant(repo, "bob")
    with pytest.raises(BadRequest, match="ann/m is not gated"):
        access.handle(repo, "bob", None, "accepted", None)
    assert access.requests(repo, "pending") == []
