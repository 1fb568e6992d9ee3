"""What a commit holds: its files and folders, with sizes, LFS pointers and last changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pygit2
from pygit2.enums import ObjectType

from localhub.errors import EntryNotFound
from localhub.lfs import POINTER_MAX_BYTES, Pointer, read_pointer
from localhub.revisions import history


@dataclass(frozen=True)
class Entry:
    """A file or folder of one commit; `lfs` is the pointer where the file is a large one."""

    path: str
    oid: str
    size: int
    is_folder: bool
    lfs: Pointer | None = None

    @property
    def etag(self) -> str:
        """What the client names the content by: the sha256 of a large file, else git's id."""
        return self.lfs.sha256 if self.lfs else self.oid

    def row(self) -> dict[str, object]:
        """The entry as `/tree` and `/paths-info` answer it."""
        row: dict[str, object] = {
            "type": "directory" if self.is_folder else "file",
            "oid": self.oid,
            "size": self.size,
            "path": self.path,
        }
        if self.lfs:
            row["lfs"] = {"oid": self.lfs.sha256, "size": self.lfs.size, "pointerSize": self.lfs.pointer_size}
        return row


def walk(git: pygit2.Repository, tree: pygit2.Tree, prefix: str = "", *, recursive: bool) -> Iterator[Entry]:
    """Yield a folder's entries in git's order, each folder before what is in it."""
    for item in tree:
        path = f"{prefix}{item.name}"
        if item.type == ObjectType.TREE:
            yield Entry(path, str(item.id), 0, is_folder=True)
            if recursive:
                yield from walk(git, git[item.id].peel(pygit2.Tree), f"{path}/", recursive=True)
        elif item.type == ObjectType.BLOB:
            yield _file(git, path, item.id)


def find_entry(git: pygit2.Repository, commit: pygit2.Commit, path: str) -> Entry | None:
    """Return the file or folder at a path, or None."""
    item = _item(commit.tree, path)
    if item is None:
        return None
    if item.type == ObjectType.TREE:
        return Entry(path.strip("/"), str(item.id), 0, is_folder=True)
    return _file(git, path, item.id)


def find_file(git: pygit2.Repository, commit: pygit2.Commit, path: str) -> Entry:
    """Return the file at a path.

    Raises:
        EntryNotFound: There is none; a folder is none either.
    """
    entry = find_entry(git, commit, path)
    if entry is None or entry.is_folder:
        raise EntryNotFound("Entry not found", commit=str(commit.id))
    return entry


def find_folder(commit: pygit2.Commit, path: str) -> pygit2.Tree:
    """Return the folder at a path; the empty path is the whole commit.

    Raises:
        EntryNotFound: There is no such folder.
    """
    if not path.strip("/"):
        return commit.tree
    item = _item(commit.tree, path.strip("/"))
    if not isinstance(item, pygit2.Tree):
        raise EntryNotFound(f"{path} does not exist on this revision", commit=str(commit.id))
    return item


def read_file(git: pygit2.Repository, entry: Entry) -> bytes:
    """Return a file's bytes as git has them: of a large file, its pointer."""
    blob = git[entry.oid]
    assert isinstance(blob, pygit2.Blob)
    return blob.data


def last_changes(
    git: pygit2.Repository, commit: pygit2.Commit, paths: Iterable[str]
) -> dict[str, pygit2.Commit]:
    """Find for each path the newest commit that changed it, reading no more history than needed."""
    waiting = set(paths)
    found: dict[str, pygit2.Commit] = {}
    for one in history(git, commit):
        if not waiting:
            break
        before = [parent.tree for parent in one.parents]
        for path in sorted(waiting):
            oid = _oid(one.tree, path)
            if oid is not None and all(_oid(tree, path) != oid for tree in before):
                found[path] = one
                waiting.discard(path)
    return found


def _file(git: pygit2.Repository, path: str, oid: pygit2.Oid) -> Entry:
    _, size = git.odb.read_header(oid)
    pointer = None
    if size <= POINTER_MAX_BYTES:
        blob = git[oid]
        assert isinstance(blob, pygit2.Blob)
        pointer = read_pointer(blob.data)
    return Entry(path, str(oid), pointer.size if pointer else size, is_folder=False, lfs=pointer)


def _item(tree: pygit2.Tree, path: str) -> pygit2.Object | None:
    if not path.strip("/") or "\0" in path:
        return None
    try:
        return tree[path]
    except (KeyError, ValueError):
        return None


def _oid(tree: pygit2.Tree, path: str) -> pygit2.Oid | None:
    item = _item(tree, path)
    return None if item is None else item.id
