"""The API about discussions and pull requests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from localhub.discussions import changes, documents, pull_requests
from localhub.discussions.pull_requests import Place
from localhub.discussions.rows import events_of, row, shown
from localhub.errors import BadRequest, DiscussionNotFound, GatedRepo, RepoNotFound
from localhub.repos.revisions import BRANCHES
from localhub.repos.storage import Repo
from localhub.requests.context import number_of, param, readable_repo, the_hub, visible_repo, writable_repo

PAGE = 50
TYPES = ("all", "discussion", "pull_request")
STATUSES = ("all", "open", "closed")

Change = Callable[[Place, int, dict[str, Any], str], dict[str, object]]


def list_discussions(request: Request) -> Response:
    """Answer `GET /api/T/ID/discussions`, with type, status, author and the page `p`; newest first."""
    repo, _ = visible_repo(request)
    query = request.query_params
    kind, status, number = query.get("type", "all"), query.get("status", "all"), query.get("p", "0")
    if kind not in TYPES or status not in STATUSES:
        raise BadRequest(f'"type" is one of {TYPES}, "status" of {STATUSES}')
    start = number_of(number, "p") * PAGE
    found = [
        one
        for one in pull_requests.find_all(Place(repo.path, repo.open()))
        if kind in ("all", "pull_request" if one.is_pull_request else "discussion")
        and status in ("all", "open" if one.is_open else "closed")
        and query.get("author", one.author) == one.author
    ]
    rows = [row(repo, one) for one in found[start : start + PAGE]]
    return JSONResponse({"discussions": rows, "count": len(found), "start": start})


def discussion(request: Request) -> Response:
    """Answer `GET /api/T/ID/discussions/N`; with `diff=1` a pull request has its diff."""
    repo, _ = visible_repo(request)
    place = Place(repo.path, repo.open())
    found = pull_requests.find(place, number(request))
    answer = row(repo, found) | {"events": events_of(repo, place, found)}
    if found.is_pull_request:
        merge = pull_requests.try_merge(place, found)
        answer["changes"] = {"base": f"{BRANCHES}{found.target}", "mergeCommitId": found.merge_commit}
        answer["filesWithConflicts"] = merge.conflicts if merge else []
        if request.query_params.get("diff") and _may_read(request):
            answer["diff"] = pull_requests.diff_of(place, found).patch or ""
    return JSONResponse(answer)


def create_discussion(request: Request, body: dict[str, Any]) -> Response:
    """Answer `POST /api/T/ID/discussions`."""
    repo, user = writable_repo(request)
    title, description, wanted = (
        body.get("title"),
        body.get("description") or "",
        body.get("pullRequest", False),
    )
    if not isinstance(title, str) or not isinstance(description, str) or not isinstance(wanted, bool):
        raise BadRequest('"title" and "description" must be texts and "pullRequest" true or false')
    with the_hub(request).store.lock(repo.id):
        place = _locked(request, repo)
        opened = changes.open_one(place, title, description, user.name, pull_request=wanted)
    url = f"{str(request.base_url).rstrip('/')}{repo.id.address}/discussions/{opened.num}"
    return JSONResponse({"num": opened.num, "url": url, "pullRequest": wanted}, 201)


def change(apply: Change) -> Callable[[Request, dict[str, Any]], Response]:
    """Answer `POST /api/T/ID/discussions/N/…` with what `apply` does under the repo's lock."""

    def answer(request: Request, body: dict[str, Any]) -> Response:
        repo, user = writable_repo(request)
        num = number(request)
        with the_hub(request).store.lock(repo.id):
            place = _locked(request, repo)
            if "comment_id" in request.path_params:
                body = {**body, "comment_id": request.path_params["comment_id"]}
            answered = apply(place, num, body, user.name)
        return JSONResponse(
            {key: shown(repo, value) if isinstance(value, dict) else value for key, value in answered.items()}
        )

    return answer


def comment(place: Place, num: int, body: dict[str, Any], author: str) -> dict[str, object]:
    """Add a comment, whatever the status."""
    event, found = documents.comment(author, _text(body, "comment")), pull_requests.find(place, num)
    return {"newMessage": changes.change(place, found, event, None, author)}


def title(place: Place, num: int, body: dict[str, Any], author: str) -> dict[str, object]:
    """Change the title."""
    found, new = pull_requests.find(place, num), _text(body, "title").strip()
    event = documents.title_change(author, found.title, new)
    renamed = replace(found, title=new)
    return {"newTitle": changes.change(place, renamed, event, None, author)}


def status(place: Place, num: int, body: dict[str, Any], author: str) -> dict[str, object]:
    """Close, or open again."""
    text = body.get("comment")
    event = changes.change_status(place, num, str(body.get("status")), str(text) if text else None, author)
    return {"newStatus": event}


def merge(place: Place, num: int, body: dict[str, Any], author: str) -> dict[str, object]:
    """Merge a pull request."""
    text = body.get("comment")
    event = changes.merge(place, num, str(text) if text else None, author)
    return {"newStatus": event, "mergeCommitId": pull_requests.find(place, num).merge_commit}


def edit(place: Place, num: int, body: dict[str, Any], author: str) -> dict[str, object]:
    """Replace the text of a comment."""
    return _edit(place, num, str(body["comment_id"]), author, _text(body, "content"))


def hide(place: Place, num: int, body: dict[str, Any], author: str) -> dict[str, object]:
    """Hide a comment for good."""
    return _edit(place, num, str(body["comment_id"]), author, None)


def number(request: Request) -> int:
    """The number in an address."""
    text = param(request, "num")
    if not text.isdecimal() or len(text) > 9:
        raise DiscussionNotFound(text)
    return int(text)


def _edit(place: Place, num: int, comment_id: str, author: str, text: str | None) -> dict[str, object]:
    changed = documents.edit_comment(pull_requests.find(place, num), comment_id, author, text)
    documents.save(place.folder, changed)
    return {"updatedComment": next(event for event in changed.events if event["id"] == comment_id)}


def _locked(request: Request, repo: Repo) -> Place:
    if the_hub(request).store.find(repo.id) is None:  # deleted while this request waited
        raise RepoNotFound(anonymous=False)
    return Place(repo.path, repo.open())


def _may_read(request: Request) -> bool:
    try:
        readable_repo(request)
    except GatedRepo:
        return False
    return True


def _text(body: dict[str, Any], key: str) -> str:
    text = body.get(key)
    if not isinstance(text, str) or not text.strip():
        raise BadRequest(f'"{key}" must be a text, got {text!r}')
    return text
