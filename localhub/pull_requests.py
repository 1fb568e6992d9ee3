"""What can be done with discussions and pull requests: open, change, merge; the caller holds the repo's lock.

The order of writing makes each step whole: a reference before the file that speaks of it, and the branch
before the status. A server that dies between the two leaves a reference without a file, which the next start
removes, or a merge commit on the branch, which is then what says that the pull request is merged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pygit2

from localhub import commits, discussions
from localhub.discussions import Discussion, Event, Status
from localhub.errors import BadRequest, Conflict, MergeConflict, RevisionNotFound
from localhub.merges import Merge, commit_merge, find_merge, merge_base, merge_trees
from localhub.revisions import BRANCHES, MAIN, commit_date, commit_title, find_branch, find_commit
from localhub.storage import now

# What a status may become by `change_status`; only a merge makes one merged.
_CHANGES: Mapping[Status, tuple[Status, ...]] = {
    "open": ("closed",),
    "draft": ("open", "closed"),
    "closed": ("open",),
    "merged": (),
}


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
    return _healed(place, discussions.load(place.folder, num))


def find_all(place: Place) -> Iterator[Discussion]:
    """Yield all, the newest first, merged as in `find`."""
    for discussion in discussions.load_all(place.folder):
        yield _healed(place, discussion)


def recover(place: Place) -> None:
    """Put right what a killed server left half done."""
    discussions.remove_half_opened(place.folder, place.git)
    for kept in discussions.load_all(place.folder):
        healed = _healed(place, kept)
        if healed != kept:
            discussions.save(place.folder, healed)


def open_one(place: Place, title: str, description: str, author: str, *, pull_request: bool) -> Discussion:
    """Open a discussion, or a pull request to main without commits, which is a draft."""
    if not title.strip():
        raise BadRequest('"title" must not be empty')
    head = find_commit(place.git, BRANCHES + MAIN) if pull_request else None
    return _open(place, title, description, author, target=MAIN, start=head, head=head, status="draft")


def open_with_commit(place: Place, branch: str, wanted: commits.Request, author: str) -> Discussion:
    """Open a pull request to a branch with one commit.

    Raises:
        RevisionNotFound: The target is no branch, or the parent no commit.
        BadRequest: The commit changes nothing.
    """
    if BRANCHES + branch not in place.git.references:
        raise RevisionNotFound(branch)
    start = find_commit(place.git, wanted.parent or BRANCHES + branch)
    made = commits.make(place.git, place.folder, start, wanted, author)
    if made is None:
        raise BadRequest("The commit changes nothing, so there is nothing to propose")
    head = place.git[made].peel(pygit2.Commit)
    return _open(
        place,
        wanted.summary,
        wanted.description,
        author,
        target=branch,
        start=start,
        head=head,
        status="open",
    )


def require_open(place: Place, revision: str) -> None:
    """Refuse a commit to the reference of a pull request that is closed or merged."""
    number = revision.removeprefix(discussions.PULL_REQUESTS)
    if revision != number and number.isdecimal() and revision in place.git.references:
        discussion = find(place, int(number))
        if not discussion.is_open:
            raise Conflict(f"Pull request {number} is {discussion.status}; commits go to open ones")


def change(place: Place, discussion: Discussion, event: Event, text: str | None, author: str) -> Event:
    """Add an event, and a comment before it where there is a text; return the event."""
    before = [discussions.comment(author, text)] if text else []
    discussions.save(place.folder, discussion.with_events(*before, event))
    return event


def change_status(place: Place, num: int, status: str, text: str | None, author: str) -> Event:
    """Close or open again.

    Raises:
        BadRequest: No such status.
        Conflict: It has that status, or is merged, which is for good.
    """
    discussion = find(place, num)
    wanted: Status
    if status == "open":
        wanted = "open"
    elif status == "closed":
        wanted = "closed"
    else:
        raise BadRequest(f'"status" must be "open" or "closed", got {status!r}')
    if wanted not in _CHANGES[discussion.status]:
        raise Conflict(f"Discussion {num} is {discussion.status} and cannot become {wanted}")
    event = discussions.status_change(author, wanted)
    return change(place, replace(discussion, status=wanted), event, text, author)


def merge(place: Place, num: int, text: str | None, author: str) -> Event:
    """Merge a pull request into its branch.

    Raises:
        BadRequest: It is a discussion, or has no commits.
        Conflict: It is not open.
        MergeConflict: Both sides changed a path; the answer lists them.
        RevisionNotFound: The branch is gone.
    """
    discussion = find(place, num)
    if discussion.target is None:
        raise BadRequest(f"Discussion {num} is no pull request")
    if discussion.status != "open":
        what = "; open it first" if discussion.status == "draft" else ""
        raise Conflict(f"Pull request {num} is {discussion.status} and cannot be merged{what}")
    branch = find_branch(place.git, discussion.target)
    theirs = find_commit(place.git, discussion.ref)
    proposed = list(commits_of(place, discussion))
    if not proposed:
        raise BadRequest(f"Pull request {num} has no commits that {discussion.target} has not")
    found = merge_trees(place.git, branch.peel(pygit2.Commit), theirs)
    if found.conflicts:
        raise MergeConflict(num, found.conflicts)
    lines = "\n".join(f"- {commit_title(one)} ({one.id})" for one in proposed)
    message = f"{discussion.title} (#{num})\n\n{lines}"
    commit = commit_merge(place.git, branch, theirs, found.write(place.git), message, author)
    merged = replace(discussion, status="merged", merge_commit=commit)
    return change(place, merged, discussions.status_change(author, "merged"), text, author)


def commits_of(place: Place, discussion: Discussion) -> Iterator[pygit2.Commit]:
    """Yield the commits that a pull request proposes, or brought when it was merged; the oldest first."""
    head, target = find_commit(place.git, discussion.ref), _target(place, discussion)
    walk = place.git.walk(head.id, pygit2.enums.SortMode.TOPOLOGICAL | pygit2.enums.SortMode.REVERSE)
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


def _open(
    place: Place,
    title: str,
    description: str,
    author: str,
    *,
    target: str,
    start: pygit2.Commit | None,
    head: pygit2.Commit | None,
    status: Status,
) -> Discussion:
    num = discussions.next_number(place.folder, place.git)
    events = [discussions.comment(author, description)]
    opened = Discussion(num, title, author, now(), "open", events)
    if start is not None and head is not None:
        opened = replace(opened, status=status, target=target, started_at=str(start.id))
        place.git.create_reference(opened.ref, head.id)
    discussions.save(place.folder, opened)
    return opened


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
