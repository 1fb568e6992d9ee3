"""The server as an ASGI application: every address, and what surrounds every answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.convertors import Convertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from localhub import (
    access_routes,
    discussion_pages,
    discussion_routes,
    file_routes,
    pages,
    ref_routes,
    repo_routes,
    upload_routes,
)
from localhub.bodies import LISTING_BYTES, Allow, with_body, with_file, with_json
from localhub.context import Hub, everyone, may_write, visible_repo, writable_repo
from localhub.errors import Refusal, answer
from localhub.middleware import Patience, RawPath, RequestLog


class Digits(Convertor[str]):
    """A number in an address; what it means is for the signature to say, so its length is bounded here."""

    regex = "[0-9]{1,15}"

    def convert(self, value: str) -> str:
        """Leave the digits."""
        return value

    def to_string(self, value: str) -> str:
        """Leave the digits."""
        return value


register_url_convertor("digits", Digits())

ID = "{namespace}/{name}"
REV = "{revision}"


def create_app(hub: Hub) -> Starlette:
    """Make the application for one server."""
    routes = [
        Route("/api/whoami-v2", repo_routes.get_whoami),
        _post("/api/validate-yaml", with_json(repo_routes.validate_yaml, everyone)),
        _post("/api/repos/create", with_json(repo_routes.create_repo, may_write)),
        _post("/api/repos/move", with_json(repo_routes.move_repo, may_write)),
        Route("/api/repos/delete", with_json(repo_routes.delete_repo, may_write), methods=["DELETE"]),
        _get("/api/settings/repositories", repo_routes.list_own),
        _get("/api/organizations/{namespace}/settings/repositories", repo_routes.list_own),
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
            Middleware(Patience),
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
        _get(f"{repo}/refs", ref_routes.list_refs),
        _get(f"{repo}/commits/{REV}", file_routes.commits),
        _get(f"{repo}/tree/{REV}", file_routes.tree),
        _get(f"{repo}/tree/{REV}/{{path:path}}", file_routes.tree),
        _post(f"{repo}/paths-info/{REV}", with_body(file_routes.paths_info, visible_repo)),
        Route(f"{repo}/settings", with_json(repo_routes.change_settings, writable_repo), methods=["PUT"]),
        _post(f"{repo}/tag/{REV}", with_json(ref_routes.create_tag, writable_repo)),
        Route(f"{repo}/tag/{REV}", ref_routes.delete_tag, methods=["DELETE"]),
        _post(f"{repo}/branch/{REV}", with_json(ref_routes.create_branch, writable_repo)),
        Route(f"{repo}/branch/{REV}", ref_routes.delete_branch, methods=["DELETE"]),
        _post(f"{repo}/super-squash/{REV}", with_json(ref_routes.squash, writable_repo)),
        _post(f"{repo}/preupload/{REV}", _with_listing(upload_routes.preupload, writable_repo)),
        _post(f"{repo}/commit/{REV}", with_file(upload_routes.commit, writable_repo)),
        _post(f"{repo}/user-access-request/handle", with_json(access_routes.handle, writable_repo)),
        _post(f"{repo}/user-access-request/grant", with_json(access_routes.grant, writable_repo)),
        _get(f"{repo}/user-access-request/{{status}}", access_routes.list_requests),
        _get(f"{repo}/discussions", discussion_routes.list_discussions),
        _post(f"{repo}/discussions", with_json(discussion_routes.create_discussion, writable_repo)),
        _get(f"{repo}/discussions/{{num}}", discussion_routes.discussion),
        *[_change(f"{repo}/discussions/{{num}}/{what}", apply) for what, apply in _CHANGES.items()],
        _get(f"{kind}/{{name}}/commits/{REV}", repo_routes.no_namespace),
        _get(f"{kind}/{{name}}/tree/{REV}", repo_routes.no_namespace),
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
    return _post(path, with_json(discussion_routes.change(apply), writable_repo))


def _file_routes(repo: str) -> list[Route]:
    objects, upload = (
        f"{repo}.git/info/lfs/objects",
        f"{repo}.git/lfs-upload/{{upload}}/{{oid}}/{{size:digits}}",
    )
    return [
        _get(f"{repo}/resolve/{REV}/{{path:path}}", file_routes.resolve),
        _get(f"{repo}/large-file/{REV}/{{path:path}}", file_routes.large_file),
        _post(f"{repo}/ask-access", with_json(access_routes.ask, access_routes.may_ask)),
        _post(f"{objects}/batch", _with_listing(upload_routes.lfs_batch, writable_repo)),
        _post(f"{objects}/verify", with_json(upload_routes.lfs_verify, writable_repo)),
        Route(f"{upload}/{{part:digits}}", upload_routes.lfs_part, methods=["PUT"]),
        _post(f"{upload}/complete", _with_listing(upload_routes.lfs_complete, upload_routes.signed_repo)),
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


def _post(path: str, endpoint: Callable[[Request], Awaitable[Response]]) -> Route:
    return Route(path, endpoint, methods=["POST"])


def _with_listing(
    endpoint: Callable[[Request, dict[str, Any]], Response], allow: Allow
) -> Callable[[Request], Awaitable[Response]]:
    return with_json(endpoint, allow, max_bytes=LISTING_BYTES)


def _unknown_address(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": "Sorry, we can't find the page you are looking for."}, error.status_code)
