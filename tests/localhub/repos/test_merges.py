from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pygit2
import pytest
from pygit2.enums import FileMode

from localhub.repos.merges import commit_merge, find_merge, merge_base, merge_trees
from localhub.repos.storage import signature

Files = Mapping[str, str]


@pytest.fixture
def git(tmp_path: Path) -> pygit2.Repository:
    return pygit2.init_repository(str(tmp_path), bare=True, initial_head="main")


def commit(
    git: pygit2.Repository,
    files: Files,
    *parents: pygit2.Commit,
    mode: FileMode = FileMode.BLOB,
    ref: str | None = None,
) -> pygit2.Commit:
    index = pygit2.Index()
    for path, content in files.items():
        index.add(pygit2.IndexEntry(path, git.create_blob(content.encode()), mode))
    signed = signature("ann")
    tree, ids = index.write_tree(git), [one.id for one in parents]
    return git[git.create_commit(ref, signed, signed, "m", tree, ids)].peel(pygit2.Commit)


BASE = {"a": "1", "b": "1", "in/c": "1"}


@pytest.mark.parametrize(
    ("ours", "theirs", "merged"),
    [
        (BASE, BASE, BASE),
        ({**BASE, "a": "2"}, BASE, {**BASE, "a": "2"}),
        ({**BASE, "a": "2"}, {**BASE, "b": "2"}, {**BASE, "a": "2", "b": "2"}),
        ({**BASE, "a": "2"}, {**BASE, "a": "2"}, {**BASE, "a": "2"}),  # both did the same
        ({**BASE, "new": "x"}, {"a": "1", "in/c": "1"}, {"a": "1", "in/c": "1", "new": "x"}),
        ({"a": "1"}, {"a": "1"}, {"a": "1"}),  # both deleted
        ({"a": "1", "b": "1", "in": "a file"}, BASE, {"a": "1", "b": "1", "in": "a file"}),
    ],
)
def test_merges_take_a_change_of_one_side(
    git: pygit2.Repository, ours: Files, theirs: Files, merged: Files
) -> None:
    base = commit(git, BASE)
    found = merge_trees(git, commit(git, ours, base), commit(git, theirs, base))
    assert found.conflicts == []
    written = commit(git, merged).tree.id
    assert found.write(git) == written


@pytest.mark.parametrize(
    ("ours", "theirs", "conflicts"),
    [
        ({**BASE, "a": "2"}, {**BASE, "a": "3"}, ["a"]),
        ({**BASE, "a": "2"}, {"b": "1", "in/c": "1"}, ["a"]),  # changed here, deleted there
        ({"b": "1", "in/c": "1"}, {**BASE, "a": "2"}, ["a"]),
        ({**BASE, "new": "x"}, {**BASE, "new": "y"}, ["new"]),
        ({**BASE, "new": "x"}, {**BASE, "new/file": "y"}, ["new/file"]),  # a file here, a folder there
    ],
)
def test_merges_of_two_different_changes_are_conflicts(
    git: pygit2.Repository, ours: Files, theirs: Files, conflicts: list[str]
) -> None:
    base = commit(git, BASE)
    assert merge_trees(git, commit(git, ours, base), commit(git, theirs, base)).conflicts == conflicts


def test_merges_keep_what_a_file_is(git: pygit2.Repository) -> None:
    base = commit(git, {"run": "1"})
    executable = commit(git, {"run": "1"}, base, mode=FileMode.BLOB_EXECUTABLE)
    found = merge_trees(git, commit(git, {"run": "1", "b": "2"}, base), executable)
    assert (found.conflicts, found.files["run"][1]) == ([], FileMode.BLOB_EXECUTABLE)


def test_merges_without_a_common_commit_have_nothing_before_them(git: pygit2.Repository) -> None:
    ours, theirs = commit(git, {"a": "1"}), commit(git, {"a": "2", "b": "1"})
    assert merge_base(git, ours, theirs) is None
    assert merge_trees(git, ours, theirs).conflicts == ["a"]


def test_merges_are_found_behind_later_commits_and_no_further_back(git: pygit2.Repository) -> None:
    start = commit(git, BASE, ref="refs/heads/main")
    head = commit(git, {**BASE, "a": "2"}, start)
    assert find_merge(git, "main", head, str(start.id)) is None
    assert find_merge(git, "gone", head, str(start.id)) is None
    merge = merge_trees(git, start, head)
    made = commit_merge(git, git.references["refs/heads/main"], head, merge.write(git), "Merge", "ann")
    merged = git[made].peel(pygit2.Commit)
    assert merged.parent_ids == [start.id, head.id]
    commit(git, {**BASE, "a": "2", "later": "1"}, merged, ref="refs/heads/main")
    found = find_merge(git, "main", head, str(start.id))
    assert found is not None
    assert found.id == merged.id
    assert find_merge(git, "main", head, made) is None
