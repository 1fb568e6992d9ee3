from __future__ import annotations

from pathlib import Path

import pygit2
import pytest

from localhub.repos import trees
from localhub.repos.commits import Delete, Operation, PutFile, Request, make
from localhub.repos.storage import RepoId, Store


@pytest.fixture
def git(tmp_path: Path) -> pygit2.Repository:
    return Store(tmp_path).create(RepoId("model", "ann", "m"), private=False, author="ann").open()


def write(git: pygit2.Repository, parents: list[str], files: dict[str, bytes | None]) -> str:
    """Commit on top of the first parent; None deletes."""
    operations: list[Operation] = [
        Delete(path, is_folder=False) if content is None else PutFile(path, git.create_blob(content))
        for path, content in files.items()
    ]
    first = git[parents[0]].peel(pygit2.Commit)
    made = make(git, Path(git.path), first, Request("one", "", None, operations), "ann")
    assert made is not None
    commit = git[made].peel(pygit2.Commit)
    if len(parents) == 1:
        return str(made)
    return str(git.create_commit(None, commit.author, commit.author, "merge", commit.tree.id, parents))


def changed(git: pygit2.Repository, head: str) -> dict[str, str]:
    commit = git[head].peel(pygit2.Commit)
    return {
        entry.path: str(trees.last_change(git, commit, entry.path).id)
        for entry in trees.walk(git, commit.tree, recursive=True)
    }


def test_trees_the_last_change_of_each_path_is_found(git: pygit2.Repository) -> None:
    start = str(git.head.target)
    one = write(git, [start], {"a/b/c": b"1", "a/d": b"1", "e": b"1"})
    two = write(git, [one], {"a/b/c": b"2", "e": None})
    three = write(git, [two], {"e": b"1", "a/b/f": b"1"})
    four = write(git, [three], {"a/d": None})  # of a folder, a file that went is a change
    assert changed(git, four) == {
        ".gitattributes": start, "a": four, "a/b": three, "a/b/c": two, "a/b/f": three, "e": three,
    }  # fmt: skip


def test_trees_a_merge_changes_only_what_neither_side_had(git: pygit2.Repository) -> None:
    start = str(git.head.target)
    ours, theirs = write(git, [start], {"ours": b"1", "both": b"1"}), write(git, [start], {"theirs": b"1"})
    merge = write(git, [ours, theirs], {"theirs": b"1", "both": b"2"})
    assert changed(git, merge) == {".gitattributes": start, "ours": ours, "theirs": theirs, "both": merge}


def test_trees_names_of_a_folder_are_in_gits_order(git: pygit2.Repository) -> None:
    head = write(git, [str(git.head.target)], {"b/c": b"1", "b.txt": b"1", "a": b"1"})
    tree = str(git[head].peel(pygit2.Commit).tree.id)
    assert [one.path for one in trees.names(git.path, tree, recursive=True)] == [
        ".gitattributes", "a", "b.txt", "b", "b/c",
    ]  # fmt: skip
    assert [one.path for one in trees.names(git.path, tree, recursive=False)][-1] == "b"
