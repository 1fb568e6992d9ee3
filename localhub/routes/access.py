"""The API about gated repos: ask for access, list who asked, decide."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from localhub.errors import BadRequest, NotAsked, RepoNotFound
from localhub.repos import access
from localhub.repos.storage import Repo
from localhub.requests.context import caller, param, the_hub, visible_repo, writable_repo
from localhub.users import require_login


def list_requests(request: Request) -> Response:
    """Answer `GET /api/T/ID/user-access-request/STATUS`, for those who may write."""
    repo, _ = writable_repo(request)
    return JSONResponse([one.row() for one in access.requests(repo, param(request, "status"))])


def ask(request: Request, _: dict[str, Any]) -> Response:
    """Answer `POST /ID/ask-access`, for every token; the Hub's page has a form for it."""
    repo, user = visible_repo(request)
    name = require_login(user).name
    return _changed(request, repo, lambda found: access.ask(found, name))


def handle(request: Request, body: dict[str, Any]) -> Response:
    """Answer `POST /api/T/ID/user-access-request/handle`."""
    repo, _ = writable_repo(request)
    reason = body.get("rejectionReason")
    if reason is not None and not isinstance(reason, str):
        raise BadRequest(f'"rejectionReason" must be a text, got {reason!r}')
    return _changed(
        request,
        repo,
        lambda found: access.handle(
            found, body.get("user"), body.get("requestId"), body.get("status"), reason
        ),
    )


def grant(request: Request, body: dict[str, Any]) -> Response:
    """Answer `POST /api/T/ID/user-access-request/grant`."""
    repo, _ = writable_repo(request)
    name = body.get("user")
    if not isinstance(name, str) or not the_hub(request).users.is_name(name):
        raise NotAsked(f"no user {name!r} on this server")
    return _changed(request, repo, lambda found: access.grant(found, name))


def may_ask(request: Request) -> None:
    """Let whoever has a token and sees the repo."""
    visible_repo(request)
    require_login(caller(request))


def _changed(request: Request, repo: Repo, change: Callable[[Repo], access.Access]) -> Response:
    store = the_hub(request).store
    with store.lock(repo.id):
        found = store.find(repo.id)
        if found is None:  # deleted while this request waited
            raise RepoNotFound(anonymous=False)
        return JSONResponse(change(found).row())
