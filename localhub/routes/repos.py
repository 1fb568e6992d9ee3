"""The API about repos: who am I, create, move, delete, describe, settings."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from localhub.errors import AlreadyExists, BadRequest, RepoNotFound
from localhub.repos import revisions, trees
from localhub.repos.cards import Card, read_card, tags
from localhub.repos.storage import Gated, Kind, Repo, RepoId
from localhub.requests.context import (
    caller,
    number_of,
    param,
    readable_repo,
    the_hub,
    visible_repo,
    writable_repo,
)
from localhub.users import User, require_login, require_write, whoami

GATED: tuple[Gated, ...] = ("auto", "manual", False)


def get_whoami(request: Request) -> Response:
    """Answer `GET /api/whoami-v2`."""
    return JSONResponse(whoami(require_login(caller(request))))


def create_repo(request: Request, body: dict[str, Any]) -> Response:
    """Answer `POST /api/repos/create`."""
    user = require_write(caller(request))
    wanted = _named_repo(body, user)
    url = str(request.base_url).rstrip("/") + wanted.address
    private = body.get("visibility") == "private" or body.get("private") is True
    store = the_hub(request).store
    try:
        store.create(wanted, private=private, author=user.name)
    except AlreadyExists as error:
        there = store.find(wanted) or store.find_elsewhere(wanted)
        if there is not None:
            url = str(request.base_url).rstrip("/") + there.id.address
        error.body = {"url": url}  # the client reads it where exist_ok is set
        raise
    return JSONResponse({"url": url, "name": wanted.full, "private": private})


def delete_repo(request: Request, body: dict[str, Any]) -> Response:
    """Answer `DELETE /api/repos/delete`."""
    user = require_write(caller(request))
    store = the_hub(request).store
    repo = store.find(_named_repo(body, user))
    if repo is None:
        raise RepoNotFound(anonymous=False)
    store.delete(repo)
    return JSONResponse({})


def move_repo(request: Request, body: dict[str, Any]) -> Response:
    """Answer `POST /api/repos/move`."""
    require_write(caller(request))
    store = the_hub(request).store
    ends = [body.get("fromRepo"), body.get("toRepo")]
    if not all(isinstance(one, str) and one.count("/") == 1 for one in ends):
        raise BadRequest(f'"fromRepo" and "toRepo" must be names like ann/model, got {ends!r}')
    old, new = (RepoId(_kind(body), *str(one).split("/")) for one in ends)
    repo = store.find(old)
    if repo is None:
        raise RepoNotFound(anonymous=False)
    store.move(repo, new)
    return JSONResponse({"url": str(request.base_url).rstrip("/") + new.address})


def change_settings(request: Request, body: dict[str, Any]) -> Response:
    """Answer `PUT /api/T/ID/settings`."""
    repo, _ = writable_repo(request)
    gated, visibility = body.get("gated"), body.get("visibility")
    if gated not in (None, *GATED):
        raise BadRequest(f'"gated" must be "auto", "manual" or false, got {gated!r}')
    if visibility not in (None, "public", "private"):
        raise BadRequest(f'"visibility" must be "public" or "private", got {visibility!r}')
    private = None if visibility is None else visibility == "private"
    the_hub(request).store.change_settings(repo, private=private, gated=gated)
    return JSONResponse({"visibility": visibility, "gated": gated})


def repo_info(request: Request) -> Response:
    """Answer `GET /api/T/ID` and `GET /api/T/ID/revision/REV`."""
    repo, _ = visible_repo(request)
    git = repo.open()
    revision = param(request, "revision") if "revision" in request.path_params else revisions.MAIN
    commit = revisions.find_commit(git, revision)
    blobs = request.query_params.get("blobs", "").lower() in ("true", "1")
    files = [entry for entry in trees.walk(git, commit.tree, recursive=True) if not entry.is_folder]
    card = card_of(repo, str(commit.id))
    answer: dict[str, object] = {
        **_summary(repo, commit_sha=str(commit.id), modified=revisions.commit_date(commit), card=card),
        "siblings": [_sibling(entry, blobs=blobs) for entry in sorted(files, key=lambda entry: entry.path)],
        "usedStorage": sum(entry.size for entry in files),
    }
    return JSONResponse(answer)


def no_namespace(request: Request) -> Response:
    """Refuse an id of one part, such as the Hub has for its oldest repos: here there are none."""
    raise RepoNotFound(anonymous=caller(request) is None)


def list_repos(request: Request) -> Response:
    """Answer `GET /api/models` and `GET /api/datasets`, with author, search, filter and limit."""
    user = caller(request)
    kind: Kind = "dataset" if request.scope["path"] == "/api/datasets" else "model"
    query = request.query_params
    rows = []
    for repo in the_hub(request).store.repos():
        wanted = (
            repo.id.kind == kind
            and query.get("author", repo.id.namespace) == repo.id.namespace
            and query.get("search", "").lower() in repo.id.full.lower()
            and not (repo.settings.private and user is None)
        )
        if not wanted:
            continue
        commit = revisions.find_commit(repo.open(), revisions.MAIN)
        card = card_of(repo, str(commit.id))
        row = _summary(repo, commit_sha=str(commit.id), modified=revisions.commit_date(commit), card=card)
        if set(query.getlist("filter")) <= set(cast(list[str], row["tags"])):
            rows.append(row)
    limit = query.get("limit")
    return JSONResponse(rows[: number_of(limit, "limit")] if limit else rows)


def list_own(request: Request) -> Response:
    """Answer `GET /api/settings/repositories` and that of an organization, with what each takes on disk."""
    user = require_login(caller(request))
    namespace = param(request, "namespace") if "namespace" in request.path_params else user.name
    found = [repo for repo in the_hub(request).store.repos() if repo.id.namespace == namespace]
    sizes = [_disk_bytes(repo.path) for repo in found]
    return JSONResponse(
        [
            {
                "id": repo.id.full,
                "type": repo.id.kind,
                "updatedAt": revisions.commit_date(revisions.find_commit(repo.open(), revisions.MAIN)),
                "visibility": "private" if repo.settings.private else "public",
                "storage": size,
                "storagePercent": size / max(sum(sizes), 1),
            }
            for repo, size in zip(found, sizes, strict=True)
        ]
    )


def auth_check(request: Request) -> Response:
    """Answer `GET /api/T/ID/auth-check`; with `/write` the token must be able to write."""
    if request.scope["path"].endswith("/write"):
        writable_repo(request)
    else:
        readable_repo(request)
    return JSONResponse({})


def validate_yaml(request: Request, body: dict[str, Any]) -> Response:
    """Answer `POST /api/validate-yaml`, which needs no repo; as text for whoever asks for text."""
    card = read_card(str(body.get("content", "")))
    answer = {
        "errors": [{"message": message} for message in card.errors],
        "warnings": [{"message": message} for message in card.warnings],
    }
    if request.headers.get("accept") == "text/plain":
        lines = [f"- Error: {one}" for one in card.errors] + [f"- Warning: {one}" for one in card.warnings]
        return PlainTextResponse("\n".join(lines), 400 if card.errors else 200)
    if card.errors:
        raise BadRequest("Invalid metadata in README.md", body=answer)
    return JSONResponse(answer)


def card_of(repo: Repo, revision: str) -> Card | None:
    """Return the card of a repo at a revision, or None where it has no README."""
    git = repo.open()
    entry = trees.find_entry(git, revisions.find_commit(git, revision), "README.md")
    if entry is None or entry.is_folder or entry.lfs:
        return None
    return read_card(trees.read_file(git, entry).decode(errors="replace"))


def _named_repo(body: dict[str, Any], user: User) -> RepoId:
    name = body.get("name")
    if not isinstance(name, str):
        raise BadRequest(f'"name" must be the name of the repo, got {name!r}')
    return RepoId(_kind(body), str(body.get("organization") or user.name), name)


def _kind(body: dict[str, Any]) -> Kind:
    kind = body.get("type") or "model"
    if kind not in ("model", "dataset"):
        raise BadRequest(f"This server has models and datasets, not the type {kind!r}")
    return cast(Kind, kind)


def _disk_bytes(folder: Path) -> int:
    return sum(
        (Path(parent) / name).lstat().st_size for parent, _, names in os.walk(folder) for name in names
    )


def _summary(repo: Repo, *, commit_sha: str, modified: str, card: Card | None) -> dict[str, object]:
    data = (card.data if card else None) or {}
    summary: dict[str, object] = {
        "id": repo.id.full,
        "author": repo.id.namespace,
        "sha": commit_sha,
        "lastModified": modified,
        "createdAt": repo.settings.created_at,
        "private": repo.settings.private,
        "gated": repo.settings.gated,
        "disabled": False,
        "downloads": 0,
        "likes": 0,
        "tags": tags(data),
    }
    if data:
        summary["cardData"] = data
    if repo.id.kind == "model":
        summary["modelId"] = repo.id.full
        summary |= {key: data[key] for key in ("library_name", "pipeline_tag", "model-index") if key in data}
    return summary


def _sibling(entry: trees.Entry, *, blobs: bool) -> dict[str, object]:
    sibling: dict[str, object] = {"rfilename": entry.path}
    if blobs:
        sibling |= {"size": entry.size, "blobId": entry.oid}
        if entry.lfs:
            sibling["lfs"] = {
                "sha256": entry.lfs.sha256,
                "size": entry.lfs.size,
                "pointerSize": entry.lfs.pointer_size,
            }
    return sibling
