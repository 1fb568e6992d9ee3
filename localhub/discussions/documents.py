"""Discussions and pull requests as they are kept: one JSON file each, in the repo's folder.

```
NAME.git/
├── discussions/1.json   title, status, comments and changes of status
└── refs/pr/1            the head of the pull request, where number 1 is one
```

A file is replaced whole by a rename, so a killed server leaves the old state or the new one. What git knows
(a pull request's commits, its diff, its conflicts) is read from git and never written here.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import pygit2

from localhub.errors import BadRequest, DiscussionNotFound, Forbidden
from localhub.repos.durable import replace_file
from localhub.repos.storage import now

Status = Literal["open", "closed", "merged", "draft"]
Event = Mapping[str, Any]

PULL_REQUESTS = "refs/pr/"
_FOLDER = "discussions"


@dataclass(frozen=True)
class Discussion:
    """A discussion or, with a target branch, a pull request.

    `started_at` is the commit that a pull request was branched from. The first event is the comment that
    opened it. Events are as the protocol has them.
    """

    num: int
    title: str
    author: str
    created_at: str
    status: Status
    events: Sequence[Event]
    target: str | None = None
    started_at: str | None = None
    merge_commit: str | None = None

    @property
    def is_pull_request(self) -> bool:
        """Whether there are commits to merge."""
        return self.target is not None

    @property
    def is_open(self) -> bool:
        """Whether it waits for something; a draft does."""
        return self.status in ("open", "draft")

    @property
    def ref(self) -> str:
        """The reference of a pull request's head."""
        return f"{PULL_REQUESTS}{self.num}"

    def with_events(self, *events: Event) -> Discussion:
        """The same with these at its end."""
        return replace(self, events=[*self.events, *events])


def load(repo: Path, num: int) -> Discussion:
    """Read one.

    Raises:
        DiscussionNotFound: There is none of this number.
    """
    try:
        return Discussion(**json.loads(_path(repo, num).read_bytes()))
    except FileNotFoundError:
        raise DiscussionNotFound(num) from None


def load_all(repo: Path) -> Iterator[Discussion]:
    """Yield all, the newest first."""
    for num in sorted(_numbers(repo), reverse=True):
        yield load(repo, num)


def save(repo: Path, discussion: Discussion) -> None:
    """Write one, whole or not at all; the caller holds the repo's lock."""
    (repo / _FOLDER).mkdir(exist_ok=True)
    replace_file(_path(repo, discussion.num), json.dumps(asdict(discussion), ensure_ascii=False).encode())


def next_number(repo: Path, git: pygit2.Repository) -> int:
    """The number that the next one gets: discussions and pull requests share them."""
    refs = [name.removeprefix(PULL_REQUESTS) for name in git.references if name.startswith(PULL_REQUESTS)]
    taken = [*_numbers(repo), *(int(name) for name in refs if name.isdecimal())]
    return max(taken, default=0) + 1


def remove_half_opened(repo: Path, git: pygit2.Repository) -> None:
    """Remove the references of pull requests that were never opened: their server was killed on the way."""
    known = {f"{PULL_REQUESTS}{num}" for num in _numbers(repo)}
    for name in list(git.references):
        if name.startswith(PULL_REQUESTS) and name not in known:
            git.references.delete(name)


def comment(author: str, text: str) -> Event:
    """A comment, made now."""
    latest = {"raw": text, "updatedAt": now(), "author": {"name": author}}
    return _event("comment", author, {"edited": False, "hidden": False, "latest": latest, "history": []})


def status_change(author: str, status: Status) -> Event:
    """A change of status, made now."""
    return _event("status-change", author, {"status": status})


def title_change(author: str, old: str, new: str) -> Event:
    """A change of title, made now."""
    return _event("title-change", author, {"from": old, "to": new})


def edit_comment(discussion: Discussion, comment_id: str, author: str, text: str | None) -> Discussion:
    """Replace the text of a comment; with None, hide it for good.

    Raises:
        DiscussionNotFound: There is no such comment.
        Forbidden: The comment is somebody else's.
        BadRequest: The comment was hidden before.
    """
    ids = [event["id"] if event["type"] == "comment" else None for event in discussion.events]
    if comment_id not in ids:
        raise DiscussionNotFound(discussion.num, f"no comment {comment_id!r}")
    index = ids.index(comment_id)
    event = discussion.events[index]
    if event["author"]["name"] != author:
        raise Forbidden("A comment is edited by the one who wrote it")
    data = event["data"]
    if data["hidden"]:
        raise BadRequest("This comment was hidden and cannot be edited")
    latest = {"raw": text or "This comment has been hidden", "updatedAt": now(), "author": {"name": author}}
    changed: dict[str, Any] = {"hidden": text is None, "latest": latest}
    changed |= (
        {"edited": True, "history": [*data["history"], data["latest"]]}
        if text is not None
        else {"history": []}
    )
    events = list(discussion.events)
    events[index] = {**event, "data": {**data, **changed}}
    return replace(discussion, events=events)


def _event(kind: str, author: str, data: Mapping[str, Any]) -> Event:
    return {
        "id": secrets.token_hex(12),
        "type": kind,
        "createdAt": now(),
        "author": {"name": author},
        "data": data,
    }


def _path(repo: Path, num: int) -> Path:
    return repo / _FOLDER / f"{num}.json"


def _numbers(repo: Path) -> list[int]:
    return [int(path.stem) for path in (repo / _FOLDER).glob("*.json")]
