"""Three-way merges by path: a change of one side is taken, two different changes are a conflict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pygit2
from pygit2.enums import FileMode, ObjectType

from localhub.repos.revisions import BRANCHES, find_commit
from localhub.repos.storage import signature

# A file at a path: its blob and its mode.
File = tuple[pygit2.Oid, FileMode]


@dataclass(frozen=True)
class Merge:
    """What merging would give: every file, and the paths that stand in the way."""

    files: Mapping[str, File]
    conflicts: list[str]

    def write(self, git: pygit2.Repository) -> pygit2.Oid:
        """Write the tree's objects."""
        index = pygit2.Index()
        for path, (oid, mode) in self.files.items():
            index.add(pygit2.IndexEntry(path, oid, mode))
        return index.write_tree(git)


def merge_trees(git: pygit2.Repository, ours: pygit2.Commit, theirs: pygit2.Commit) -> Merge:
    """Merge two commits' trees against their merge base; without one, against nothing."""
    base = merge_base(git, ours, theirs)
    before = _files(git, base.tree) if base else {}
    left, right = _files(git, ours.tree), _files(git, theirs.tree)
    merged, conflicts = dict(left), []
    for path in sorted(before.keys() | right.keys()):
        old, mine, other = before.get(path), left.get(path), right.get(path)
        if other in (old, mine):
            continue
        if mine != old:
            conflicts.append(path)
        elif other is None:
            del merged[path]
        else:
            merged[path] = other
    # One side made a folder where the other has a file.
    conflicts += [path for path in merged if any(folder in merged for folder in _parents(path))]
    return Merge(merged, sorted(set(conflicts)))


def merge_base(git: pygit2.Repository, ours: pygit2.Commit, theirs: pygit2.Commit) -> pygit2.Commit | None:
    """Return the newest commit that both have, or None."""
    oid = git.merge_base(ours.id, theirs.id)
    return None if oid is None else git[oid].peel(pygit2.Commit)


def commit_merge(
    git: pygit2.Repository,
    branch: pygit2.Reference,
    theirs: pygit2.Commit,
    tree: pygit2.Oid,
    message: str,
    author: str,
) -> str:
    """Move a branch to a merge commit, whose first parent is where the branch was; the caller holds the lock.

    One compare-and-swap, like every commit: see `commits.apply`.
    """
    signed = signature(author)
    commit = git.create_commit(None, signed, signed, message, tree, [branch.target, theirs.id])
    branch.set_target(commit)
    return str(commit)


def find_merge(git: pygit2.Repository, target: str, head: pygit2.Commit, since: str) -> pygit2.Commit | None:
    """Find on a branch the commit that merged a pull request's head, or None.

    Args:
        git: The repository.
        target: The branch's name.
        head: The head of the pull request.
        since: The commit that the pull request was branched from; nothing before it is looked at.
    """
    if BRANCHES + target not in git.references:
        return None
    one = find_commit(git, BRANCHES + target)
    while str(one.id) != since:
        if head.id in one.parent_ids[1:]:
            return one
        if not one.parents:
            break
        one = one.parents[0]
    return None


def _files(git: pygit2.Repository, tree: pygit2.Tree, prefix: str = "") -> Mapping[str, File]:
    files: dict[str, File] = {}
    for item in tree:
        path = f"{prefix}{item.name}"
        if item.type == ObjectType.TREE:
            files.update(_files(git, git[item.id].peel(pygit2.Tree), f"{path}/"))
        else:
            files[path] = (item.id, FileMode(item.filemode))
    return files


def _parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:length]) for length in range(1, len(parts))]
