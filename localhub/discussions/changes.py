"""What can be done with discussions and pull requests: open, change, merge; the caller holds the repo's lock.

The order of writing makes each step whole: a reference before the file that speaks of it, and the branch
before the status. See `pull_requests` for what a server leaves that dies between the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pygit2

from localhub.discussions import documents, pull_requests
from localhub.discussions.documents import Discussion, Event, Status
from localhub.discussions.pull_requests import Place
from localhub.errors import BadRequest, Conflict, MergeConflict, RevisionNotFound
from localhub.repos import commits
from localhub.repos.merges import commit_merge, merge_trees
from localhub.repos.revisions import BRANCHES, MAIN, commit_title, find_branch, find_commit
from localhub.repos.storage import now

# What a status may become by `change_status`; only a merge makes one merged.
_CHANGES: Mapping[Status, tuple[Status, ...]] = {
    "open": ("closed",),
    "draft": ("open", "closed"),
    "closed": ("open",),
    "merged": (),
}


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


def change(place: Place, discussion: Discussion, event: Event, text: str | None, author: str) -> Event:
    """Add an event, and a comment before it where there is a text; return the event."""
    before = [documents.comment(author, text)] if text else []
    documents.save(place.folder, discussion.with_events(*before, event))
    return event


def change_status(place: Place, num: int, status: str, text: str | None, author: str) -> Event:
    """Close or open again.

    Raises:
        BadRequest: No such status.
        Conflict: The discussion has that status, or is merged, which is for good.
    """
    discussion = pull_requests.find(place, num)
    wanted: Status
    if status == "open":
        wanted = "open"
    elif status == "closed":
        wanted = "closed"
    else:
        raise BadRequest(f'"status" must be "open" or "closed", got {status!r}')
    if wanted not in _CHANGES[discussion.status]:
        raise Conflict(f"Discussion {num} is {discussion.status} and cannot become {wanted}")
    event = documents.status_change(author, wanted)
    return change(place, replace(discussion, status=wanted), event, text, author)


def merge(place: Place, num: int, text: str | None, author: str) -> Event:
    """Merge a pull request into its branch.

    Raises:
        BadRequest: The number is a discussion's, or the pull request has no commits.
        Conflict: The pull request is not open.
        MergeConflict: Both sides changed a path; the answer lists them.
        RevisionNotFound: The branch is gone.
    """
    discussion = pull_requests.find(place, num)
    if discussion.target is None:
        raise BadRequest(f"Discussion {num} is no pull request")
    if discussion.status != "open":
        what = "; open it first" if discussion.status == "draft" else ""
        raise Conflict(f"Pull request {num} is {discussion.status} and cannot be merged{what}")
    branch = find_branch(place.git, discussion.target)
    theirs = find_commit(place.git, discussion.ref)
    proposed = list(pull_requests.commits_of(place, discussion))
    if not proposed:
        raise BadRequest(f"Pull request {num} has no commits that {discussion.target} has not")
    found = merge_trees(place.git, branch.peel(pygit2.Commit), theirs)
    if found.conflicts:
        raise MergeConflict(num, found.conflicts)
    lines = "\n".join(f"- {commit_title(one)} ({one.id})" for one in proposed)
    message = f"{discussion.title} (#{num})\n\n{lines}"
    commit = commit_merge(place.git, branch, theirs, found.write(place.git), message, author)
    merged = replace(discussion, status="merged", merge_commit=commit)
    return change(place, merged, documents.status_change(author, "merged"), text, author)


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
    num = documents.next_number(place.folder, place.git)
    events = [documents.comment(author, description)]
    opened = Discussion(num, title, author, now(), "open", events)
    if start is not None and head is not None:
        opened = replace(opened, status=status, target=target, started_at=str(start.id))
        place.git.create_reference(opened.ref, head.id)
    documents.save(place.folder, opened)
    return opened
