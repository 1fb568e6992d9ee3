"""The API about what names commits: branches, tags, and what becomes of a branch's past."""

from __future__ import annotations

from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from localhub.errors import BadRequest
from localhub.repos import revisions
from localhub.requests.context import param, the_hub, visible_repo, writable_repo


def list_refs(request: Request) -> Response:
    """Answer `GET /api/T/ID/refs`."""
    repo, _ = visible_repo(request)
    git = repo.open()

    def rows(prefix: str, *, spelled_out: bool = False) -> list[dict[str, str]]:
        return [ref.row() for ref in revisions.list_refs(git, prefix, spelled_out=spelled_out)]

    answer = {
        "branches": rows(revisions.BRANCHES),
        "tags": rows(revisions.TAGS),
        "converts": rows("refs/convert/"),
    }
    if request.query_params.get("include_prs"):
        answer["pullRequests"] = rows("refs/pr/", spelled_out=True)
    return JSONResponse(answer)


def create_tag(request: Request, body: dict[str, Any]) -> Response:
    """Answer `POST /api/T/ID/tag/REV`."""
    repo, user = writable_repo(request)
    name, message = body.get("tag"), body.get("message")
    if not isinstance(name, str) or not name:
        raise BadRequest(f'"tag" must be the name of the tag, got {name!r}')
    if message is not None and not isinstance(message, str):
        raise BadRequest(f'"message" must be a text, got {message!r}')
    with the_hub(request).store.lock(repo.id):
        revisions.create_tag(repo.open(), name, param(request, "revision"), message, user.name)
    return JSONResponse({})


def delete_tag(request: Request) -> Response:
    """Answer `DELETE /api/T/ID/tag/TAG`."""
    return _delete_ref(request, "tag")


def create_branch(request: Request, body: dict[str, Any]) -> Response:
    """Answer `POST /api/T/ID/branch/B`."""
    repo, _ = writable_repo(request)
    start = body.get("startingPoint")
    if start is not None and not isinstance(start, str):
        raise BadRequest(f'"startingPoint" must be a revision, got {start!r}')
    with the_hub(request).store.lock(repo.id):
        revisions.create_branch(repo.open(), param(request, "revision"), start)
    return JSONResponse({})


def delete_branch(request: Request) -> Response:
    """Answer `DELETE /api/T/ID/branch/B`."""
    return _delete_ref(request, "branch")


def squash(request: Request, body: dict[str, Any]) -> Response:
    """Answer `POST /api/T/ID/super-squash/B`: the branch's files stay, in one commit without a past."""
    repo, user = writable_repo(request)
    message = body.get("message") or "Super-squash"
    if not isinstance(message, str):
        raise BadRequest(f'"message" must be a text, got {message!r}')
    with the_hub(request).store.lock(repo.id):
        revisions.squash(repo.open(), param(request, "revision"), message, user.name)
    return JSONResponse({})


def _delete_ref(request: Request, what: Literal["tag", "branch"]) -> Response:
    repo, _ = writable_repo(request)
    delete = revisions.delete_tag if what == "tag" else revisions.delete_branch
    with the_hub(request).store.lock(repo.id):
        delete(repo.open(), param(request, "revision"))
    return JSONResponse({})
