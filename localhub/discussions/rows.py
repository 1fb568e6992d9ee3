"""Discussions and pull requests as the API answers them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from localhub.discussions import pull_requests
from localhub.discussions.documents import Discussion, Event
from localhub.discussions.pull_requests import Place
from localhub.rendering import Place as TextPlace
from localhub.rendering import render_all
from localhub.repos.revisions import MAIN, commit_date, commit_title
from localhub.repos.storage import Repo


def row(repo: Repo, found: Discussion) -> dict[str, object]:
    """One of a list."""
    return {
        "num": found.num,
        "title": found.title,
        "status": found.status,
        "author": {"name": found.author},
        "createdAt": found.created_at,
        "isPullRequest": found.is_pull_request,
        "numComments": sum(event["type"] == "comment" for event in found.events),
        "repo": {"name": repo.id.full, "type": repo.id.kind},
    }


def events_of(repo: Repo, place: Place, found: Discussion) -> list[dict[str, Any]]:
    """Everything that happened, in order; a pull request's commits are read from git."""
    first, *later = _shown(repo, found.events)
    if found.is_pull_request:
        made = [
            {
                "id": str(one.id),
                "type": "commit",
                "createdAt": commit_date(one),
                "author": {"name": one.author.name},
                "data": {"oid": str(one.id), "subject": commit_title(one)},
            }
            for one in pull_requests.commits_of(place, found)
        ]
        later = made + later
    # Commits have whole seconds; of one second they go first, since they are what is spoken of.
    return [first, *sorted(later, key=lambda event: str(event["createdAt"])[:19])]


def shown(repo: Repo, event: Event) -> dict[str, Any]:
    """An event; a comment besides as HTML that can only be looked at."""
    [one] = _shown(repo, [event])
    return one


def _shown(repo: Repo, events: Sequence[Event]) -> list[dict[str, Any]]:
    address = repo.id.address
    place = TextPlace(f"{address}/blob/{MAIN}", f"{address}/resolve/{MAIN}")
    texts = iter(render_all([text for event in events if (text := text_of(event)) is not None], place))
    return [
        dict(event) if text_of(event) is None else _with_html(event, str(next(texts))) for event in events
    ]


def text_of(event: Event) -> str | None:
    """The Markdown of a comment; other events have none."""
    return str(event["data"]["latest"]["raw"]) if event["type"] == "comment" else None


def _with_html(event: Event, html: str) -> dict[str, Any]:
    data = event["data"]
    return {**event, "data": {**data, "latest": {**data["latest"], "html": html}}}
