"""The web page for people: a repo's discussions and pull requests."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from localhub.discussions import pull_requests
from localhub.discussions.pull_requests import Place
from localhub.discussions.rows import events_of, text_of
from localhub.pages import about, files_of, render, shown_repo
from localhub.rendering import Place as TextPlace
from localhub.rendering import render_all
from localhub.repos import revisions
from localhub.routes.discussions import number


def discussions_page(request: Request) -> Response:
    """List a repo's discussions and pull requests, the newest first."""
    repo, git = shown_repo(request)
    commit = revisions.find_commit(git, revisions.MAIN)
    found = list(pull_requests.find_all(Place(repo.path, git)))
    return render("discussions.html", **about(repo, git, revisions.MAIN, commit), discussions=found)


def discussion_page(request: Request) -> Response:
    """Show what was said and done, and of a pull request which files it changes."""
    repo, git = shown_repo(request)
    commit = revisions.find_commit(git, revisions.MAIN)
    place = Place(repo.path, git)
    found = pull_requests.find(place, number(request))
    texts = TextPlace(
        f"{repo.id.address}/blob/{revisions.MAIN}", f"{repo.id.address}/{files_of(repo)}/{revisions.MAIN}"
    )
    changes, conflicts, head = [], [], None
    if found.is_pull_request:
        head = str(revisions.find_commit(git, found.ref).id)
        merge = pull_requests.try_merge(place, found)
        conflicts = merge.conflicts if merge else []
        changes = [
            (delta.status_char(), delta.new_file.path) for delta in pull_requests.diff_of(place, found).deltas
        ]
    events = events_of(repo, place, found)
    shown = iter(render_all([text for event in events if (text := text_of(event)) is not None], texts))
    return render(
        "discussion.html",
        **about(repo, git, revisions.MAIN, commit),
        discussion=found,
        events=[(event, next(shown) if text_of(event) is not None else None) for event in events],
        changes=changes,
        conflicts=conflicts,
        head=head,
    )
