"""Who may read the files of a gated repo: what was asked, granted and rejected, a JSON file in its folder."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

from localhub.errors import BadRequest, NotAsked
from localhub.repos.durable import replace_file
from localhub.repos.storage import Repo, now
from localhub.users import User, Users

Status = Literal["pending", "accepted", "rejected"]
_FILE = "access.json"


@dataclass(frozen=True)
class Access:
    """One user's request, or what was decided without one."""

    id: str
    user: str
    status: Status
    timestamp: str
    reason: str | None = None

    def row(self) -> dict[str, object]:
        """The request as the API lists it."""
        return {
            "requestId": self.id,
            "status": self.status,
            "timestamp": self.timestamp,
            "user": {"user": self.user, "fullname": self.user},
            **({} if self.reason is None else {"rejectionReason": self.reason}),
        }


def may_read(repo: Repo, user: User | None, users: Users) -> bool:
    """Say whether a token reads the files of a repo.

    Of a gated one: who was granted access; in a user's own namespace that user, with a token that may write;
    in any other, which is the team's, every token that may write and was not rejected.
    """
    if not repo.settings.gated:
        return True
    if user is None:
        return False
    found = _load(repo).get(user.name)
    if found is not None and found.status == "accepted":
        return True
    if user.role != "write":
        return False
    return repo.id.namespace == user.name or (found is None and not users.is_name(repo.id.namespace))


def requests(repo: Repo, status: str) -> list[Access]:
    """List those of one status, the oldest first."""
    return [one for one in _load(repo).values() if one.status == _status(status)]


def ask(repo: Repo, user: str) -> Access:
    """Ask for access: `auto` grants it at once. The caller holds the repo's lock, here and below.

    Raises:
        BadRequest: The repo is not gated, or this user has asked before.
    """
    _require_gated(repo)
    if user in _load(repo):
        raise BadRequest(f"{user} has asked for access to {repo.id.full} before")
    return _save(repo, _new(user, "accepted" if repo.settings.gated == "auto" else "pending"))


def grant(repo: Repo, user: str) -> Access:
    """Grant access to somebody, asked for or not.

    Raises:
        BadRequest: The repo is not gated, or this user has access.
    """
    _require_gated(repo)
    found = _load(repo).get(user)
    if found is not None and found.status == "accepted":
        raise BadRequest(f"{user} has access to {repo.id.full} already")
    return _save(repo, _new(user, "accepted"))


def handle(repo: Repo, user: object, request_id: object, status: object, reason: str | None) -> Access:
    """Give a request another status.

    Raises:
        BadRequest: The repo is not gated, or this is no status.
        NotAsked: There is no such request, or none that has not this status already.
    """
    _require_gated(repo)
    wanted = _status(status)
    named = [one for one in _load(repo).values() if user == one.user or request_id == one.id]
    if not named or named[0].status == wanted:
        raise NotAsked(f"no request of {user or request_id} that is not {wanted}")
    return _save(repo, replace(named[0], status=wanted, reason=reason if wanted == "rejected" else None))


def _status(text: object) -> Status:
    for status in get_args(Status):
        if text == status:
            found: Status = status
            return found
    raise BadRequest(f'"status" is one of {", ".join(get_args(Status))}, got {text!r}')


def _require_gated(repo: Repo) -> None:
    if not repo.settings.gated:
        raise BadRequest(f"{repo.id.full} is not gated: everyone who sees it reads it")


def _new(user: str, status: Status) -> Access:
    return Access(secrets.token_hex(12), user, status, now())


def _load(repo: Repo) -> Mapping[str, Access]:
    try:
        rows: list[dict[str, Any]] = json.loads((repo.path / _FILE).read_bytes())
    except FileNotFoundError:
        return {}
    return {row["user"]: Access(**row) for row in rows}


def _save(repo: Repo, one: Access) -> Access:
    kept = {**_load(repo), one.user: one}
    replace_file(repo.path / _FILE, json.dumps([asdict(access) for access in kept.values()]).encode())
    return one
