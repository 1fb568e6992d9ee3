"""Discussions and pull requests as they are: what was kept, and what git says of it.

A server that dies between two steps of a change leaves a reference without a file, which the next start
removes, or a merge commit on the branch, which is then what says that the pull request is merged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pygit2
from pygit2.enums import SortMode

from localhub.discussions import documents
from localhub.discussions.documents import Discussion, Event
from localhub.errors import Conflict
from localhub.repos.merges import Merge, find_merge, merge_base, merge_trees
from localhub.repos.revisions import BRANCHES, commit_date, find_commit


@dataclass(frozen=True)
class Place:
    """A repo: its folder, and its git repository opened by this thread."""

    folder: Path
    git: pygit2.Repository


def find(place: Place, num: int) -> Discussion:
    """Return one, merged if its merge commit stands on the branch.

    Raises:
        DiscussionNotFound: There is none of this number.
    """
    return _healed(place, documents.load(place.folder, num))


def find_all(place: Place) -> Iterator[Discussion]:
    """Yield all, the newest first, merged as in `find`."""
    for discussion in documents.load_all(place.folder):
        yield _healed(place, discussion)


def recover(place: Place) -> None:
    """Put right what a killed server left half done."""
    documents.remove_half_opened(place.folder, place.git)
    for kept in documents.load_all(place.folder):
        healed = _healed(place, kept)
        if healed != kept:
            documents.save(place.folder, healed)


def require_open(place: Place, revision: str) -> None:
    """Refuse a commit to the reference of a pull request that is closed or merged."""
    number = revision.removeprefix(documents.PULL_REQUESTS)
    if revision != number and number.isdecimal() and revision in place.git.references:
        discussion = find(place, int(number))
        if not discussion.is_open:
            raise Conflict(f"Pull request {number} is {discussion.status}; commits go to open ones")


def commits_of(place: Place, discussion: Discussion) -> Iterator[pygit2.Commit]:
    """Yield the commits that a pull request proposes, or brought when it was merged; the oldest first."""
    head, target = find_commit(place.git, discussion.ref), _target(place, discussion)
    walk = place.git.walk(head.id, SortMode.TOPOLOGICAL | SortMode.REVERSE)
    if target is not None:
        walk.hide(target.id)
    yield from walk


def try_merge(place: Place, discussion: Discussion) -> Merge | None:
    """Say what a merge would give, or None for what is not waiting for one."""
    target = _target(place, discussion)
    if not discussion.is_open or target is None:
        return None
    return merge_trees(place.git, target, find_commit(place.git, discussion.ref))


def diff_of(place: Place, discussion: Discussion) -> pygit2.Diff:
    """What a pull request changes, against the newest commit that it has in common with its branch."""
    head, target = find_commit(place.git, discussion.ref), _target(place, discussion)
    base = None if target is None else merge_base(place.git, target, head)
    return head.tree.diff_to_tree(swap=True) if base is None else base.tree.diff_to_tree(head.tree)


def _target(place: Place, discussion: Discussion) -> pygit2.Commit | None:
    # Of a merged one, the branch as it was before: later commits there are not about it.
    if discussion.merge_commit is not None:
        return place.git[discussion.merge_commit].peel(pygit2.Commit).parents[0]
    name = f"{BRANCHES}{discussion.target}"
    return find_commit(place.git, name) if name in place.git.references else None


def _healed(place: Place, discussion: Discussion) -> Discussion:
    if not discussion.is_open or discussion.target is None or discussion.started_at is None:
        return discussion
    head = find_commit(place.git, discussion.ref)
    commit = find_merge(place.git, discussion.target, head, discussion.started_at)
    if commit is None:
        return discussion
    event: Event = {
        "id": str(commit.id)[:24],
        "type": "status-change",
        "createdAt": commit_date(commit),
        "author": {"name": commit.author.name},
        "data": {"status": "merged"},
    }
    return replace(discussion.with_events(event), status="merged", merge_commit=str(commit.id))
