"""The server as an ASGI application: every address, and what surrounds every answer."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from localhub import discussion_pages, discussion_routes, file_routes, pages, repo_routes, upload_routes
from localhub.context import Hub, with_body, with_json
from localhub.errors import Refusal, answer

logger = logging.getLogger("localhub")

ID = "{namespace}/{name}"
REV = "{revision}"


def create_app(hub: Hub) -> Starlette:
    """Make the application for one server."""
    routes = [
        Route("/api/whoami-v2", repo_routes.get_whoami),
        Route("/api/validate-yaml", with_json(repo_routes.validate_yaml), methods=["POST"]),
        Route("/api/repos/create", with_json(repo_routes.create_repo), methods=["POST"]),
        Route("/api/repos/delete", with_json(repo_routes.delete_repo), methods=["DELETE"]),
        *_api_routes("/api/models"),
        *_api_routes("/api/datasets"),
        _get(f"/datasets/{{name}}/resolve/{REV}/{{path:path}}", repo_routes.no_namespace),
        _get(f"/{{name}}/resolve/{REV}/{{path:path}}", repo_routes.no_namespace),
        Route("/", pages.page(pages.index)),
        *_file_routes(f"/datasets/{ID}"),
        *_page_routes(f"/datasets/{ID}"),
        *_file_routes(f"/{ID}"),
        *_page_routes(f"/{ID}"),
    ]
    app = Starlette(
        routes=routes,
        middleware=[
            Middleware(RequestLog),
            Middleware(TrustedHostMiddleware, allowed_hosts=hub.hosts, www_redirect=False),
            Middleware(RawPath),
        ],
        exception_handlers={Refusal: answer, HTTPException: _unknown_address},
    )
    app.state.hub = hub
    return app


def _api_routes(kind: str) -> list[Route]:
    repo = f"{kind}/{ID}"
    return [
        _get(kind, repo_routes.list_repos),
        _get(f"{kind}/{{name}}", repo_routes.no_namespace),
        _get(f"{kind}/{{name}}/revision/{REV}", repo_routes.no_namespace),
        _get(repo, repo_routes.repo_info),
        _get(f"{repo}/revision/{REV}", repo_routes.repo_info),
        _get(f"{repo}/auth-check", repo_routes.auth_check),
        _get(f"{repo}/auth-check/write", repo_routes.auth_check),
        _get(f"{repo}/refs", repo_routes.list_refs),
        _get(f"{repo}/commits/{REV}", file_routes.commits),
        _get(f"{repo}/tree/{REV}", file_routes.tree),
        _get(f"{repo}/tree/{REV}/{{path:path}}", file_routes.tree),
        Route(f"{repo}/paths-info/{REV}", with_body(file_routes.paths_info), methods=["POST"]),
        Route(f"{repo}/settings", with_json(repo_routes.change_settings), methods=["PUT"]),
        Route(f"{repo}/tag/{REV}", with_json(repo_routes.create_tag), methods=["POST"]),
        Route(f"{repo}/tag/{REV}", repo_routes.delete_tag, methods=["DELETE"]),
        Route(f"{repo}/branch/{REV}", with_json(repo_routes.create_branch), methods=["POST"]),
        Route(f"{repo}/branch/{REV}", repo_routes.delete_branch, methods=["DELETE"]),
        Route(f"{repo}/preupload/{REV}", with_json(upload_routes.preupload), methods=["POST"]),
        Route(f"{repo}/commit/{REV}", with_body(upload_routes.commit), methods=["POST"]),
        _get(f"{repo}/discussions", discussion_routes.list_discussions),
        Route(f"{repo}/discussions", with_json(discussion_routes.create_discussion), methods=["POST"]),
        _get(f"{repo}/discussions/{{num}}", discussion_routes.discussion),
        *[_change(f"{repo}/discussions/{{num}}/{what}", apply) for what, apply in _CHANGES.items()],
    ]


_CHANGES: dict[str, discussion_routes.Change] = {
    "comment": discussion_routes.comment,
    "title": discussion_routes.title,
    "status": discussion_routes.status,
    "merge": discussion_routes.merge,
    "comment/{comment_id}/edit": discussion_routes.edit,
    "comment/{comment_id}/hide": discussion_routes.hide,
}


def _change(path: str, apply: discussion_routes.Change) -> Route:
    return Route(path, with_json(discussion_routes.change(apply)), methods=["POST"])


def _file_routes(repo: str) -> list[Route]:
    upload = f"{repo}.git/lfs-upload/{{upload}}/{{oid}}/{{size:int}}"
    return [
        _get(f"{repo}/resolve/{REV}/{{path:path}}", file_routes.resolve),
        _get(f"{repo}/large-file/{REV}/{{path:path}}", file_routes.large_file),
        Route(f"{repo}.git/info/lfs/objects/batch", with_json(upload_routes.lfs_batch), methods=["POST"]),
        Route(f"{repo}.git/info/lfs/objects/verify", with_json(upload_routes.lfs_verify), methods=["POST"]),
        Route(f"{upload}/{{part:int}}", upload_routes.lfs_part, methods=["PUT"]),
        Route(f"{upload}/complete", with_json(upload_routes.lfs_complete), methods=["POST"]),
    ]


def _page_routes(repo: str) -> list[Route]:
    return [
        _get(repo, pages.page(pages.repo_page)),
        _get(f"{repo}/tree/{REV}", pages.page(pages.tree_page)),
        _get(f"{repo}/tree/{REV}/{{path:path}}", pages.page(pages.tree_page)),
        _get(f"{repo}/blob/{REV}/{{path:path}}", pages.page(pages.blob_page)),
        _get(f"{repo}/raw/{REV}/{{path:path}}", pages.page(pages.raw)),
        _get(f"{repo}/commits/{REV}", pages.page(pages.commits_page)),
        _get(f"{repo}/commit/{REV}", pages.page(pages.commit_page)),
        _get(f"{repo}/discussions", pages.page(discussion_pages.discussions_page)),
        _get(f"{repo}/discussions/{{num}}", pages.page(discussion_pages.discussion_page)),
    ]


def _get(path: str, endpoint: Callable[[Request], Any]) -> Route:
    return Route(path, endpoint, methods=["GET"])


def _unknown_address(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": "Sorry, we can't find the page you are looking for."}, error.status_code)


class RawPath:
    """Route on the address as it was sent: in `refs%2Fpr%2F1` the slashes do not separate."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its raw path."""
        if scope["type"] == "http":
            scope = {**scope, "path": scope["raw_path"].decode("latin-1")}
        await self.app(scope, receive, send)


class RequestLog:
    """Log each answer in one line, without the query: upload links carry their signature there."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; the line is written before the answer, so whoever has one finds the other."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start = time.monotonic()

        def log(status: int) -> None:
            path = scope["raw_path"].decode("latin-1")
            logger.info("%s %s %d %.0f ms", scope["method"], path, status, (time.monotonic() - start) * 1000)

        async def log_and_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                log(message["status"])
            await send(message)

        try:
            await self.app(scope, receive, log_and_send)
        except Exception:
            log(500)
            raise
