"""The API that writes: how to send each file, its bytes, and the commit."""

from __future__ import annotations

import base64
import binascii
from typing import IO, Any

import pathspec
import pygit2
from pygit2.enums import AttrCheck
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from localhub.discussions import changes, pull_requests
from localhub.discussions.pull_requests import Place
from localhub.errors import BadRequest, RepoNotFound
from localhub.repos import commits, lfs, trees
from localhub.repos.paths import clean_path
from localhub.repos.revisions import find_commit
from localhub.repos.storage import Repo
from localhub.requests.context import Hub, param, repo_id, the_hub, writable_repo

# Above this a file is a large one, whatever it is.
REGULAR_MAX_BYTES = 10 * 1024 * 1024
# Each part has a link of its own in the answer.
MAX_PARTS = 10_000


def preupload(request: Request, body: dict[str, Any]) -> Response:
    """Answer `POST /api/T/ID/preupload/REV`: which files are large, ignored, or there already."""
    repo, _ = writable_repo(request)
    git = repo.open()
    commit = find_commit(git, param(request, "revision"))
    ignored = _ignore_rules(git, commit, body.get("gitIgnore"))
    try:
        answers = [_preupload_one(git, commit, ignored, file) for file in body["files"]]
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise BadRequest(f'"files" must be a list of path, size and sample: {error!r}') from error
    return JSONResponse({"files": answers, "commitOid": str(commit.id)})


def lfs_batch(request: Request, body: dict[str, Any]) -> Response:
    """Answer `POST /ID.git/info/lfs/objects/batch`: where to send which large file."""
    repo, _ = writable_repo(request)
    if body.get("operation") != "upload":
        raise BadRequest("Only the operation 'upload' is offered here; files are downloaded from /resolve")
    hub = the_hub(request)
    origin = str(request.base_url).rstrip("/")
    multipart = "multipart" in body.get("transfers", [])
    try:
        objects = [
            _batch_one(hub, repo, origin, str(item["oid"]), int(item["size"]), multipart=multipart)
            for item in body["objects"]
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise BadRequest(f'"objects" must be a list of oid and size: {error!r}') from error
    return JSONResponse({"transfer": "multipart" if multipart else "basic", "objects": objects})


async def lfs_part(request: Request) -> Response:
    """Take the bytes of a large file, or of one part of it; the link is the permission."""
    repo = await run_in_threadpool(signed_repo, request)
    upload, oid = request.path_params["upload"], request.path_params["oid"]
    part, size = int(request.path_params["part"]), int(request.path_params["size"])
    try:
        etag = await lfs.receive(repo.path, upload, part or 1, request.stream(), max_bytes=size)
    except ClientDisconnect:
        raise BadRequest("The connection was lost before the upload was complete") from None
    if part == 0:  # not one of several
        await run_in_threadpool(lfs.finish, repo.path, upload, oid, size, 1)
    return JSONResponse({}, headers={"ETag": f'"{etag}"'})


def lfs_complete(request: Request, body: dict[str, Any]) -> Response:
    """Put the parts of a large file together; the link is the permission."""
    repo = signed_repo(request)
    parts = body.get("parts")
    if not isinstance(parts, list) or body.get("oid") != request.path_params["oid"]:
        raise BadRequest("The completion of an upload names its oid and its parts")
    lfs.finish(
        repo.path,
        request.path_params["upload"],
        request.path_params["oid"],
        int(request.path_params["size"]),
        len(parts),
    )
    return JSONResponse({})


def lfs_verify(request: Request, body: dict[str, Any]) -> Response:
    """Answer `POST /ID.git/info/lfs/objects/verify`: are the bytes here?"""
    repo, _ = writable_repo(request)
    size = body.get("size")
    if size is not None and not isinstance(size, int):
        raise BadRequest(f'"size" must be a number, got {size!r}')
    lfs.require_object(repo.path, str(body.get("oid")), size)
    return JSONResponse({})


def commit(request: Request, body: IO[bytes]) -> Response:
    """Answer `POST /api/T/ID/commit/REV`."""
    repo, user = writable_repo(request)
    wanted = commits.read_request(body, repo.open())
    hub = the_hub(request)
    with hub.store.lock(repo.id):
        if hub.store.find(repo.id) is None:  # deleted while this request waited
            raise RepoNotFound(anonymous=False)
        place, revision = Place(repo.path, repo.open()), param(request, "revision")
        opened = None
        if request.query_params.get("create_pr"):
            opened = changes.open_with_commit(place, revision, wanted, user.name)
            sha = str(place.git.references[opened.ref].target)
        else:
            pull_requests.require_open(place, revision)
            sha = commits.apply(place.git, place.folder, revision, wanted, user.name)
    url = f"{str(request.base_url).rstrip('/')}{repo.id.address}"
    answer = {"success": True, "commitUrl": f"{url}/commit/{sha}", "commitOid": sha, "hookOutput": ""}
    if opened is not None:
        answer["pullRequestUrl"] = f"{url}/discussions/{opened.num}"
    return JSONResponse(answer)


def _preupload_one(
    git: pygit2.Repository,
    at: pygit2.Commit,
    ignored: pathspec.GitIgnoreSpec,
    file: dict[str, Any],
) -> dict[str, object]:
    path, size = clean_path(str(file["path"])), int(file["size"])
    sample = base64.b64decode(file.get("sample", ""))
    large = size > 0 and (size > REGULAR_MAX_BYTES or _is_binary(sample) or _is_lfs_by_rule(git, at, path))
    answer: dict[str, object] = {
        "path": path,
        "uploadMode": "lfs" if large else "regular",
        "shouldIgnore": ignored.match_file(path),
    }
    entry = trees.find_entry(git, at, path)
    if entry is not None and not entry.is_folder:
        answer["oid"] = entry.etag
    return answer


def _is_lfs_by_rule(git: pygit2.Repository, at: pygit2.Commit, path: str) -> bool:
    flags = AttrCheck.INCLUDE_COMMIT | AttrCheck.INDEX_ONLY | AttrCheck.NO_SYSTEM
    return git.get_attr(path, "filter", flags, at.id) == "lfs"


def _is_binary(sample: bytes) -> bool:
    if b"\0" in sample:
        return True
    try:
        sample.decode()
    except UnicodeDecodeError as error:
        # The sample's end may cut a letter in two.
        return error.start < len(sample) - 3
    return False


def _ignore_rules(git: pygit2.Repository, at: pygit2.Commit, sent: object) -> pathspec.GitIgnoreSpec:
    text = sent if isinstance(sent, str) else ""
    entry = trees.find_entry(git, at, ".gitignore")
    if not isinstance(sent, str) and entry is not None and not entry.is_folder:
        text = trees.read_file(git, entry).decode(errors="replace")
    return pathspec.GitIgnoreSpec.from_lines(text.splitlines())


def _batch_one(
    hub: Hub, repo: Repo, origin: str, oid: str, size: int, *, multipart: bool
) -> dict[str, object]:
    answer: dict[str, object] = {"oid": oid, "size": size}
    if not 0 <= size <= hub.part_bytes * MAX_PARTS:
        raise ValueError(f"a size from 0 to {hub.part_bytes * MAX_PARTS} is wanted, got {size}")
    if lfs.stored_size(repo.path, oid) == size:
        return answer
    upload = lfs.new_upload()
    address = f"{repo.id.address}.git/lfs-upload/{upload}/{oid}/{size}"

    def link(last: str) -> str:
        return origin + hub.signer.sign(f"{address}/{last}")

    action: dict[str, object] = {"href": link("0")}
    if multipart and size > hub.part_bytes:
        parts = len(list(lfs.part_sizes(size, hub.part_bytes)))
        links = {f"{part:05}": link(str(part)) for part in range(1, parts + 1)}
        action = {"href": link("complete"), "header": {"chunk_size": str(hub.part_bytes), **links}}
    verify = {"href": f"{origin}{repo.id.address}.git/info/lfs/objects/verify"}
    return {**answer, "actions": {"upload": action, "verify": verify}}


def signed_repo(request: Request) -> Repo:
    """Return the repo of an upload link; the link is the permission."""
    hub = the_hub(request)
    query = request.query_params
    hub.signer.check(request.scope["path"], query.get("expires", ""), query.get("signature", ""))
    repo = hub.store.find(repo_id(request))
    if repo is None:
        raise RepoNotFound(anonymous=False)
    return repo
