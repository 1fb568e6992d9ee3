"""Commits as the client sends them: newline-delimited JSON, applied to a branch whole or not at all."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pygit2
from pygit2.enums import FileMode

from localhub.errors import BadRequest, EntryNotFound, HeadMoved, TooLarge
from localhub.repos import lfs
from localhub.repos.paths import clean_path
from localhub.repos.revisions import find_branch
from localhub.repos.storage import signature
from localhub.strict_json import read_json

# The longest a line may be: the largest small file there is, in base64, and its path.
LINE_BYTES = 14 * 1024 * 1024 + 64 * 1024


@dataclass(frozen=True)
class PutFile:
    """Write a small file, whose bytes git has under this id."""

    path: str
    blob: pygit2.Oid


@dataclass(frozen=True)
class PutLargeFile:
    """Write a pointer to bytes that were uploaded before; without a size, whatever size they have."""

    path: str
    sha256: str
    size: int | None


@dataclass(frozen=True)
class Delete:
    """Delete a file, or a folder with all that is in it."""

    path: str
    is_folder: bool


Operation = PutFile | PutLargeFile | Delete


@dataclass(frozen=True)
class Request:
    """One commit that a client wants."""

    summary: str
    description: str
    parent: str | None
    operations: Sequence[Operation]

    @property
    def message(self) -> str:
        """The git message: the summary, and the description below a blank line."""
        return f"{self.summary}\n\n{self.description}" if self.description else self.summary


def read_request(body: IO[bytes], git: pygit2.Repository) -> Request:
    """Read a commit's newline-delimited JSON; small files go into git as they are read, one at a time.

    Raises:
        BadRequest: A line is not what the protocol has.
        Unprocessable: A path cannot be in a repo.
        TooLarge: A line is longer than any small file.
    """
    header: dict[str, Any] = {}
    operations: list[Operation] = []
    for number, line in enumerate(_lines(body), start=1):
        if not line.strip():
            continue
        try:
            item = read_json(line)
            key, value = item["key"], item["value"]
            if key == "header":
                header = {"summary": str(value["summary"]), **value}
            else:
                operations.append(_read_operation(git, key, value))
        except (BadRequest, ValueError, KeyError, TypeError, binascii.Error) as error:
            raise BadRequest(f"Line {number} of the commit cannot be read: {error!r}"[:500]) from error
    if not header.get("summary"):
        raise BadRequest("The commit has no summary")
    parent = header.get("parentCommit")
    if parent is not None and not isinstance(parent, str):
        raise BadRequest(f'"parentCommit" must be a commit, got {parent!r}')
    return Request(_text(header["summary"]), _text(header.get("description") or ""), parent, operations)


def apply(git: pygit2.Repository, repo: Path, revision: str, request: Request, author: str) -> str:
    """Commit to a branch; the caller holds the repo's lock.

    Objects first, then one compare-and-swap of the reference: a server that dies on the way leaves
    the branch where it was. Content equal to the head's makes no commit.

    Returns:
        The sha of the new commit, or of the head where nothing changes.

    Raises:
        HeadMoved: The branch is not at the parent that the client built on.
        EntryNotFound: A path to be deleted is not there.
        BadRequest: A large file was not uploaded, or the revision is not a branch.
    """
    branch = find_branch(git, revision)
    head = branch.peel(pygit2.Commit)
    if request.parent is not None and request.parent != str(head.id):
        raise HeadMoved(revision, str(head.id), request.parent)
    commit = make(git, repo, head, request, author)
    if commit is None:
        return str(head.id)
    # libgit2 compares the reference with what was read above, under the reference's own lock.
    branch.set_target(commit)
    return str(commit)


def make(
    git: pygit2.Repository, repo: Path, parent: pygit2.Commit, request: Request, author: str
) -> pygit2.Oid | None:
    """Write the objects of a commit that no reference leads to yet; None where it would change nothing.

    Raises:
        EntryNotFound: A path to be deleted is not there.
        BadRequest: A large file was not uploaded.
    """
    index = pygit2.Index()
    index.read_tree(parent.tree)
    folders = {folder for entry in index for folder in _parents(entry.path)}
    for operation in request.operations:
        if isinstance(operation, Delete):
            _delete(index, operation)
        else:
            _make_way(index, folders, operation.path)
            _add(git, repo, index, operation)
    tree = index.write_tree(git)
    if tree == parent.tree.id:
        return None
    signed = signature(author)
    return git.create_commit(None, signed, signed, request.message, tree, [parent.id])


def _lines(body: IO[bytes]) -> Iterator[bytes]:
    while line := body.readline(LINE_BYTES + 1):
        if len(line) > LINE_BYTES:
            raise TooLarge(LINE_BYTES)
        yield line


def _read_operation(git: pygit2.Repository, key: str, value: dict[str, Any]) -> Operation:
    path = clean_path(str(value["path"]))
    if key == "file":
        encoding = value.get("encoding", "utf-8")
        content = str(value["content"])
        data = base64.b64decode(content, validate=True) if encoding == "base64" else content.encode()
        return PutFile(path, git.create_blob(data))
    if key == "lfsFile":
        size = value.get("size")
        return PutLargeFile(path, str(value["oid"]), None if size is None else int(size))
    if key in ("deletedFile", "deletedFolder"):
        return Delete(path, is_folder=key == "deletedFolder")
    raise ValueError(f"unknown key {key!r}")


def _text(value: object) -> str:
    # git ends a message at a zero.
    return str(value).replace("\0", "\N{REPLACEMENT CHARACTER}")


def _parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:length]) for length in range(1, len(parts))]


def _make_way(index: pygit2.Index, folders: set[str], path: str) -> None:
    # A file takes the place of a folder of its name, and of files that its own folders are named like.
    if path in folders:
        _remove_folder(index, path)
    for folder in _parents(path):
        if folder in index:
            index.remove(folder)
        folders.add(folder)


def _add(git: pygit2.Repository, repo: Path, index: pygit2.Index, operation: PutFile | PutLargeFile) -> None:
    if isinstance(operation, PutFile):
        blob = operation.blob
    else:
        blob = git.create_blob(lfs.require_object(repo, operation.sha256, operation.size).text())
    try:
        index.add(pygit2.IndexEntry(operation.path, blob, FileMode.BLOB))
    except (ValueError, pygit2.GitError, OSError) as error:
        raise BadRequest(f"{operation.path!r} cannot be added: {error}") from error


def _delete(index: pygit2.Index, operation: Delete) -> None:
    if operation.is_folder:
        if not _remove_folder(index, operation.path):
            raise EntryNotFound(f"A folder with this name doesn't exist: {operation.path}")
    elif operation.path in index:
        index.remove(operation.path)
    elif not _remove_folder(index, operation.path):  # the client may not know that a path is a folder
        raise EntryNotFound(f"A file with this name doesn't exist: {operation.path}")


def _remove_folder(index: pygit2.Index, folder: str) -> bool:
    inside = [entry.path for entry in index if entry.path.startswith(f"{folder}/")]
    for path in inside:
        index.remove(path)
    return bool(inside)
