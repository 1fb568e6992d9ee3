"""What a commit holds: its files and folders, with sizes, LFS pointers and last changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import pygit2
from pygit2.enums import ObjectType

from localhub.errors import EntryNotFound
from localhub.repos.lfs import POINTER_MAX_BYTES, Pointer, read_pointer
from localhub.repos.revisions import history


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


# A listing comes in pages, each a request of its own.
_KEPT = 4


def walk(git: pygit2.Repository, tree: pygit2.Tree, prefix: str = "", *, recursive: bool) -> Iterator[Entry]:
    """Yield a folder's entries in git's order, each folder before what is in it."""
    for one in names(git.path, str(tree.id), recursive=recursive):
        yield entry_of(git, prefix, one)


@dataclass(frozen=True)
class Name:
    """A path below a folder, and what stands there; its size is not known yet."""

    path: str
    oid: str
    is_folder: bool


@lru_cache(_KEPT)
def names(repo: str, tree: str, *, recursive: bool) -> Sequence[Name]:
    """List what is in a folder, in git's order, each folder before what is in it."""
    git = pygit2.Repository(repo)
    return tuple(_names(git, git[tree].peel(pygit2.Tree), "", recursive=recursive))


def entry_of(git: pygit2.Repository, prefix: str, one: Name) -> Entry:
    """Return what stands at a name, below the folder's own path."""
    path = f"{prefix}{one.path}"
    return (
        Entry(path, one.oid, 0, is_folder=True)
        if one.is_folder
        else _file(git, path, pygit2.Oid(hex=one.oid))
    )


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


def last_change(git: pygit2.Repository, commit: pygit2.Commit, path: str) -> pygit2.Commit:
    """Return the newest commit that changed what stands at a path of this one."""
    return git[_last_changes(git.path, str(commit.id))[path]].peel(pygit2.Commit)


@lru_cache(_KEPT)
def _last_changes(repo: str, head: str) -> Mapping[str, str]:
    # For all paths at once, since a listing's next page asks for others. No more history is read than needed.
    git = pygit2.Repository(repo)
    commit = git[head].peel(pygit2.Commit)
    waiting = {one.path for one in _names(git, commit.tree, "", recursive=True)}
    found: dict[str, str] = {}
    for one in history(git, commit):
        if not waiting:
            break
        # What differs from one parent only, the merge took from another, which the walk comes to.
        changed = _changed(git, one, waiting)
        found |= dict.fromkeys(changed, str(one.id))
        waiting -= changed
    return found


def _changed(git: pygit2.Repository, commit: pygit2.Commit, waiting: set[str]) -> set[str]:
    if not commit.parents:
        return {one.path for one in _names(git, commit.tree, "", recursive=True)} & waiting
    changed = set(waiting)
    for parent in commit.parents:
        here = set()
        for delta in parent.tree.diff_to_tree(commit.tree).deltas:
            here.add(delta.new_file.path)
            here.update(_folders(delta.new_file.path))
        changed &= here
    # Of a folder that lost a file, and of a file that came back later, there may be nothing here.
    return {path for path in changed if _item(commit.tree, path) is not None}


def _folders(path: str) -> Iterator[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def _names(git: pygit2.Repository, tree: pygit2.Tree, prefix: str, *, recursive: bool) -> Iterator[Name]:
    for item in tree:
        path = f"{prefix}{item.name}"
        if item.type == ObjectType.TREE:
            yield Name(path, str(item.id), is_folder=True)
            if recursive:
                yield from _names(git, git[item.id].peel(pygit2.Tree), f"{path}/", recursive=True)
        elif item.type == ObjectType.BLOB:
            yield Name(path, str(item.id), is_folder=False)


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
