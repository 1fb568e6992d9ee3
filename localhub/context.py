"""What every answer needs: the server's state, who asks, and for which repo."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from json import JSONDecodeError
from typing import Any
from urllib.parse import unquote

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from localhub.errors import BadRequest, GatedRepo, RepoNotFound
from localhub.lfs import Signer
from localhub.storage import Kind, Repo, RepoId, Store
from localhub.users import User, Users, require_write


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


def visible_repo(request: Request) -> tuple[Repo, User | None]:
    """Return the repo if the caller may see it.

    Raises:
        RepoNotFound: There is none, or it is private and the caller has no token.
    """
    user = caller(request)
    repo = the_hub(request).store.find(repo_id(request))
    if repo is None or (repo.settings.private and user is None):
        raise RepoNotFound(anonymous=user is None)
    return repo, user


def readable_repo(request: Request) -> Repo:
    """Return the repo if the caller may read its files.

    Raises:
        GatedRepo: The repo is gated: "auto" lets any token in, "manual" only tokens that may write.
    """
    repo, user = visible_repo(request)
    gated = repo.settings.gated
    if gated and (user is None or (gated == "manual" and user.role != "write")):
        raise GatedRepo(f"{repo.id.kind} {repo.id.full}", anonymous=user is None)
    return repo


def writable_repo(request: Request) -> tuple[Repo, User]:
    """Return the repo and the caller if the token may write."""
    repo, user = visible_repo(request)
    return repo, require_write(user)


def with_json(
    endpoint: Callable[[Request, dict[str, Any]], Response],
) -> Callable[[Request], Awaitable[Response]]:
    """Read a JSON object, then answer in a thread: git work stays off the event loop."""

    async def answer(request: Request) -> Response:
        try:
            body = await request.json() if await read_body(request) else {}
        except (JSONDecodeError, UnicodeDecodeError) as error:
            raise BadRequest(f"The body is not JSON: {error}") from error
        if not isinstance(body, dict):
            raise BadRequest("The body must be a JSON object")
        return await run_in_threadpool(endpoint, request, body)

    return answer


def with_body(endpoint: Callable[[Request, bytes], Response]) -> Callable[[Request], Awaitable[Response]]:
    """Read the whole body, then answer in a thread."""

    async def answer(request: Request) -> Response:
        return await run_in_threadpool(endpoint, request, await read_body(request))

    return answer


async def read_body(request: Request) -> bytes:
    """Return the whole body, or refuse one that was cut off."""
    try:
        return await request.body()
    except ClientDisconnect:
        raise BadRequest("The connection was lost before the body was complete") from None
