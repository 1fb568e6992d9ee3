"""The API about files: listings, history and the bytes themselves."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Iterable, Iterator
from html import escape
from itertools import islice
from typing import TypeVar
from urllib.parse import parse_qs, quote

import pygit2
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response

from localhub.errors import BadRequest
from localhub.repos import lfs, trees
from localhub.repos.revisions import commit_date, commit_description, commit_title, find_commit, history
from localhub.requests.context import number_of, param, readable_repo, visible_repo

# As many rows a page as the Hub answers.
TREE_PAGE = 1000
EXPANDED_PAGE = 50
COMMITS_PAGE = 50
# As many paths the client may ask about at a time.
PATHS = 100_000

# Files come from strangers and are shown on this origin: they may look like something, never do anything.
SAFE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; img-src data:; style-src 'unsafe-inline'; sandbox",
}

_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")

Row = TypeVar("Row")


class LargeFile(FileResponse):
    """A file from disk, in blocks large enough not to be slow."""

    chunk_size = 1 << 20


def tree(request: Request) -> Response:
    """Answer `GET /api/T/ID/tree/REV[/PATH]`."""
    repo, _ = visible_repo(request)
    git = repo.open()
    commit = find_commit(git, param(request, "revision"))
    path = param(request, "path").strip("/") if "path" in request.path_params else ""
    folder = trees.find_folder(commit, path)
    recursive, expand = _flag(request, "recursive"), _flag(request, "expand")
    names = trees.names(git.path, str(folder.id), recursive=recursive)
    size = EXPANDED_PAGE if expand else TREE_PAGE
    page, following = _page(names, request, min(_number(request, "limit", size), size))
    entries = [trees.entry_of(git, f"{path}/" if path else "", one) for one in page]
    return JSONResponse(_rows(git, commit, entries, expand=expand), headers=_link(request, following))


def paths_info(request: Request, body: bytes) -> Response:
    """Answer `POST /api/T/ID/paths-info/REV`; paths that are not there are left out."""
    try:
        form = parse_qs(body.decode(errors="replace"), max_num_fields=PATHS)
    except ValueError as error:
        raise BadRequest(f"At most {PATHS} paths at a time: {error}") from None
    repo, _ = visible_repo(request)
    git = repo.open()
    commit = find_commit(git, param(request, "revision"))
    found = [trees.find_entry(git, commit, path) for path in form.get("paths", [])]
    expand = form.get("expand", [""])[0].lower() == "true"
    return JSONResponse(_rows(git, commit, [entry for entry in found if entry], expand=expand))


def commits(request: Request) -> Response:
    """Answer `GET /api/T/ID/commits/REV`, newest first."""
    repo, _ = visible_repo(request)
    git = repo.open()
    commit = find_commit(git, param(request, "revision"))
    page, following = _page(history(git, commit), request, COMMITS_PAGE)
    formatted = "formatted" in request.query_params.getlist("expand[]")
    rows = [_commit_row(one, formatted=formatted) for one in page]
    return JSONResponse(rows, headers=_link(request, following))


def resolve(request: Request) -> Response:
    """Answer `HEAD` and `GET` of `/ID/resolve/REV/PATH`; a large file is a redirect to its bytes."""
    repo = readable_repo(request)
    git = repo.open()
    commit = find_commit(git, param(request, "revision"))
    entry = trees.find_file(git, commit, param(request, "path"))
    headers = {"X-Repo-Commit": str(commit.id), "ETag": f'"{entry.etag}"', **SAFE_HEADERS}
    if entry.lfs is None:
        return small_file(request, trees.read_file(git, entry), entry.path, headers)
    lfs.require_file(repo.path, entry.lfs, str(commit.id))
    headers |= {"X-Linked-Etag": f'"{entry.lfs.sha256}"', "X-Linked-Size": str(entry.size)}
    location = f"{repo.id.address}/large-file/{commit.id}/{quote(entry.path)}"
    return RedirectResponse(location, 302, headers)


def large_file(request: Request) -> Response:
    """Answer the address that `resolve` redirects to.

    The client follows a redirect inside one origin and keeps the last answer's headers, so these
    are the headers of `resolve` again.
    """
    repo = readable_repo(request)
    git = repo.open()
    commit = find_commit(git, param(request, "revision"))
    entry = trees.find_file(git, commit, param(request, "path"))
    if entry.lfs is None:
        raise BadRequest(f"{entry.path} is not a large file")
    path = lfs.require_file(repo.path, entry.lfs, str(commit.id))
    headers = {
        "X-Repo-Commit": str(commit.id),
        "ETag": f'"{entry.lfs.sha256}"',
        "X-Linked-Etag": f'"{entry.lfs.sha256}"',
        "X-Linked-Size": str(entry.size),
        **SAFE_HEADERS,
    }
    return LargeFile(path, headers=headers, media_type=media_type(entry.path))


def small_file(request: Request, content: bytes, path: str, headers: dict[str, str]) -> Response:
    """Answer bytes that are in memory, or the range of them that was asked for."""
    headers = {**headers, "Accept-Ranges": "bytes"}
    wanted = _RANGE.fullmatch(request.headers.get("range", ""))
    if wanted is None or request.headers.get("if-range", headers["ETag"]) != headers["ETag"]:
        return Response(content, headers=headers, media_type=media_type(path))
    size = len(content)
    if wanted[1]:
        start, end = int(wanted[1]), min(int(wanted[2] or size - 1), size - 1)
    else:
        start, end = max(size - int(wanted[2] or 0), 0), size - 1
    if start > end:
        return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{size}"})
    headers["Content-Range"] = f"bytes {start}-{end}/{size}"
    return Response(content[start : end + 1], 206, headers, media_type(path))


def media_type(path: str) -> str:
    """What a browser is told a file is: a picture, plain text, or bytes; never a page that runs."""
    guessed, encoding = mimetypes.guess_type(path)
    if guessed and not encoding:
        if guessed.startswith("image/"):
            return guessed
        if guessed.startswith("text/") or guessed == "application/json":
            return "text/plain; charset=utf-8"
    if path.endswith((".md", ".yaml", ".yml", ".jsonl", ".txt", ".gitattributes", ".gitignore")):
        return "text/plain; charset=utf-8"
    return "application/octet-stream"


def _rows(
    git: pygit2.Repository, commit: pygit2.Commit, entries: list[trees.Entry], *, expand: bool
) -> list[dict[str, object]]:
    rows = [entry.row() for entry in entries]
    if expand:
        for entry, row in zip(entries, rows, strict=True):
            last = trees.last_change(git, commit, entry.path)
            row["lastCommit"] = {"id": str(last.id), "title": commit_title(last), "date": commit_date(last)}
    return rows


def _commit_row(commit: pygit2.Commit, *, formatted: bool) -> dict[str, object]:
    row: dict[str, object] = {
        "id": str(commit.id),
        "title": commit_title(commit),
        "message": commit_description(commit),
        "authors": [{"user": commit.author.name}],
        "date": commit_date(commit),
    }
    if formatted:
        # As HTML; the messages are text, and nothing in them is made a link.
        row["formatted"] = {
            "title": escape(commit_title(commit)),
            "message": escape(commit_description(commit)),
        }
    return row


def _flag(request: Request, name: str) -> bool:
    return request.query_params.get(name, "").lower() in ("true", "1")


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name)
    return default if text is None else number_of(text, name, least=1)


def _page(items: Iterable[Row], request: Request, size: int) -> tuple[list[Row], int | None]:
    # A cursor is the number of rows before the page, kept above 0 by counting from 1.
    start = _number(request, "cursor", 1)
    rest: Iterator[Row] = islice(iter(items), start - 1, None)
    page = list(islice(rest, size))
    return page, None if next(rest, None) is None else start + size


def _link(request: Request, following: int | None) -> dict[str, str]:
    if following is None:
        return {}
    return {"Link": f'<{request.url.include_query_params(cursor=following)}>; rel="next"'}
