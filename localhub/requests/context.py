"""What every answer needs: the server's state, who asks, and for which repo."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from starlette.requests import Request

from localhub.errors import BadRequest, GatedRepo, Moved, RepoNotFound
from localhub.repos.access import may_read
from localhub.repos.lfs import Signer
from localhub.repos.storage import Kind, Repo, RepoId, Store
from localhub.users import User, Users, require_write

_NUMBER = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True)
class Hub:
    """One server: its repos, its users and how it was started.

    `hosts` are the names it answers to: on loopback a page of the web may lead its own name here,
    and would read what this machine has.
    """

    store: Store
    users: Users
    signer: Signer
    part_bytes: int
    show_private: bool
    hosts: Sequence[str]


def the_hub(request: Request) -> Hub:
    """Return the server that got this request."""
    hub: Hub = request.app.state.hub
    return hub


def caller(request: Request) -> User | None:
    """Return who asks, or None for a request without a token."""
    return the_hub(request).users.authenticate(request.headers.get("authorization"))


def param(request: Request, name: str) -> str:
    """Return a part of the address; routes are matched before `%2F` becomes a slash."""
    return unquote(request.path_params[name])


def repo_id(request: Request) -> RepoId:
    """Return the repo that an address is about."""
    path = request.scope["path"]
    kind: Kind = "dataset" if path.startswith(("/datasets/", "/api/datasets/")) else "model"
    return RepoId(kind, param(request, "namespace"), param(request, "name"))


def number_of(text: str, what: str, *, least: int = 0) -> int:
    """Read a whole number that somebody sent.

    Raises:
        BadRequest: The text is no such number, or one of more than nine digits.
    """
    if not _NUMBER.fullmatch(text) or int(text) < least:
        raise BadRequest(f"{what!r} must be a whole number from {least}, got {text[:20]!r}")
    return int(text)


def visible_repo(request: Request) -> tuple[Repo, User | None]:
    """Return the repo if the caller may see it.

    Raises:
        RepoNotFound: There is none, or it is private and the caller has no token.
        Moved: It has another name now, or this one in other letters.
    """
    user = caller(request)
    repo = find_repo(request, sees_private=user is not None)
    if repo is None:
        raise RepoNotFound(anonymous=user is None)
    return repo, user


def find_repo(request: Request, *, sees_private: bool) -> Repo | None:
    """Return the repo that an address is about, or None where there is none to be seen.

    Raises:
        Moved: It has another name now, or this one in other letters.
    """
    store, asked = the_hub(request).store, repo_id(request)
    repo = store.find(asked)
    found = repo or store.find_elsewhere(asked)
    if found is None or (found.settings.private and not sees_private):
        return None
    if repo is None:
        raise Moved(_address_of(request, found.id))
    return repo


def readable_repo(request: Request) -> Repo:
    """Return the repo if the caller may read its files.

    Raises:
        GatedRepo: The repo is gated, and the caller has no access.
    """
    repo, user = visible_repo(request)
    require_readable(request, repo, user)
    return repo


def require_readable(request: Request, repo: Repo, user: User | None) -> None:
    """Refuse whoever may not read the files of a gated repo."""
    hub = the_hub(request)
    if not may_read(repo, user, hub.users):
        page = str(request.base_url).rstrip("/") + repo.id.address
        raise GatedRepo(f"{repo.id.kind} {repo.id.full}", page, anonymous=user is None)


def writable_repo(request: Request) -> tuple[Repo, User]:
    """Return the repo and the caller if the token may write."""
    repo, user = visible_repo(request)
    return repo, require_write(user)


def may_write(request: Request) -> None:
    """Let whoever may write on this server."""
    require_write(caller(request))


def everyone(_: Request) -> None:
    """Let everyone."""


def _address_of(request: Request, repo: RepoId) -> str:
    path, query = request.scope["path"], request.scope["query_string"].decode("latin-1")
    parts = path.split("/")
    at = 3 if path.startswith("/api/") else 2 if path.startswith("/datasets/") else 1
    git = ".git" if parts[at + 1].endswith(".git") else ""
    parts[at : at + 2] = [repo.namespace, f"{repo.name}{git}"]
    return "/".join(parts) + (f"?{query}" if query else "")
