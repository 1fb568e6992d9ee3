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

from localhub import discussion_pages, pages
from localhub.errors import Refusal, answer
from localhub.requests.bodies import LISTING_BYTES, Allow, with_body, with_file, with_json
from localhub.requests.context import Hub, everyone, may_write, visible_repo, writable_repo
from localhub.requests.middleware import Patience, RawPath, RequestLog
from localhub.routes import access, discussions, files, refs, repos, uploads


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
        Route("/api/whoami-v2", repos.get_whoami),
        _post("/api/validate-yaml", with_json(repos.validate_yaml, everyone)),
        _post("/api/repos/create", with_json(repos.create_repo, may_write)),
        _post("/api/repos/move", with_json(repos.move_repo, may_write)),
        Route("/api/repos/delete", with_json(repos.delete_repo, may_write), methods=["DELETE"]),
        _get("/api/settings/repositories", repos.list_own),
        _get("/api/organizations/{namespace}/settings/repositories", repos.list_own),
        *_api_routes("/api/models"),
        *_api_routes("/api/datasets"),
        _get(f"/datasets/{{name}}/resolve/{REV}/{{path:path}}", repos.no_namespace),
        _get(f"/{{name}}/resolve/{REV}/{{path:path}}", repos.no_namespace),
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
        _get(kind, repos.list_repos),
        _get(f"{kind}/{{name}}", repos.no_namespace),
        _get(f"{kind}/{{name}}/revision/{REV}", repos.no_namespace),
        _get(repo, repos.repo_info),
        _get(f"{repo}/revision/{REV}", repos.repo_info),
        _get(f"{repo}/auth-check", repos.auth_check),
        _get(f"{repo}/auth-check/write", repos.auth_check),
        _get(f"{repo}/refs", refs.list_refs),
        _get(f"{repo}/commits/{REV}", files.commits),
        _get(f"{repo}/tree/{REV}", files.tree),
        _get(f"{repo}/tree/{REV}/{{path:path}}", files.tree),
        _post(f"{repo}/paths-info/{REV}", with_body(files.paths_info, visible_repo)),
        Route(f"{repo}/settings", with_json(repos.change_settings, writable_repo), methods=["PUT"]),
        _post(f"{repo}/tag/{REV}", with_json(refs.create_tag, writable_repo)),
        Route(f"{repo}/tag/{REV}", refs.delete_tag, methods=["DELETE"]),
        _post(f"{repo}/branch/{REV}", with_json(refs.create_branch, writable_repo)),
        Route(f"{repo}/branch/{REV}", refs.delete_branch, methods=["DELETE"]),
        _post(f"{repo}/super-squash/{REV}", with_json(refs.squash, writable_repo)),
        _post(f"{repo}/preupload/{REV}", _with_listing(uploads.preupload, writable_repo)),
        _post(f"{repo}/commit/{REV}", with_file(uploads.commit, writable_repo)),
        _post(f"{repo}/user-access-request/handle", with_json(access.handle, writable_repo)),
        _post(f"{repo}/user-access-request/grant", with_json(access.grant, writable_repo)),
        _get(f"{repo}/user-access-request/{{status}}", access.list_requests),
        _get(f"{repo}/discussions", discussions.list_discussions),
        _post(f"{repo}/discussions", with_json(discussions.create_discussion, writable_repo)),
        _get(f"{repo}/discussions/{{num}}", discussions.discussion),
        *[_change(f"{repo}/discussions/{{num}}/{what}", apply) for what, apply in _CHANGES.items()],
        _get(f"{kind}/{{name}}/commits/{REV}", repos.no_namespace),
        _get(f"{kind}/{{name}}/tree/{REV}", repos.no_namespace),
    ]


_CHANGES: dict[str, discussions.Change] = {
    "comment": discussions.comment,
    "title": discussions.title,
    "status": discussions.status,
    "merge": discussions.merge,
    "comment/{comment_id}/edit": discussions.edit,
    "comment/{comment_id}/hide": discussions.hide,
}


def _change(path: str, apply: discussions.Change) -> Route:
    return _post(path, with_json(discussions.change(apply), writable_repo))


def _file_routes(repo: str) -> list[Route]:
    objects, upload = (
        f"{repo}.git/info/lfs/objects",
        f"{repo}.git/lfs-upload/{{upload}}/{{oid}}/{{size:digits}}",
    )
    return [
        _get(f"{repo}/resolve/{REV}/{{path:path}}", files.resolve),
        _get(f"{repo}/large-file/{REV}/{{path:path}}", files.large_file),
        _post(f"{repo}/ask-access", with_json(access.ask, access.may_ask)),
        _post(f"{objects}/batch", _with_listing(uploads.lfs_batch, writable_repo)),
        _post(f"{objects}/verify", with_json(uploads.lfs_verify, writable_repo)),
        Route(f"{upload}/{{part:digits}}", uploads.lfs_part, methods=["PUT"]),
        _post(f"{upload}/complete", _with_listing(uploads.lfs_complete, uploads.signed_repo)),
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
