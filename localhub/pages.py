"""The web page for people: what repos there are, and what a repo holds."""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
import pygit2
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from localhub.errors import Moved, Refusal, RepoNotFound, answer
from localhub.rendering import Place, render_markdown
from localhub.repos import lfs, revisions, trees
from localhub.repos.access import may_read
from localhub.repos.cards import read_card
from localhub.repos.releases import releases
from localhub.repos.storage import Repo
from localhub.requests.context import caller, find_repo, number_of, param, require_readable, the_hub
from localhub.routes.files import SAFE_HEADERS, LargeFile, media_type, small_file

# Longer texts are offered for download only.
SHOWN_BYTES = 512 * 1024
COMMITS_SHOWN = 50
RECENT_COMMITS = 5

PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def human_size(size: int) -> str:
    """A size as people read it: `1.5 MB`."""
    value, units = float(size), iter(("kB", "MB", "GB", "TB"))
    unit = "B"
    while value >= 1000 and (larger := next(units, None)):
        value, unit = value / 1000, larger
    return f"{size} B" if unit == "B" else f"{value:.1f} {unit}"


def human_value(value: object) -> str:
    """A value of a card's metadata on one line or, if it has parts, as indented JSON."""
    if isinstance(value, list) and all(isinstance(item, str | int | float) for item in value):
        return ", ".join(str(item) for item in value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)


_FOLDER = Path(__file__).with_name("templates")
# Read once, when the server starts: one that runs goes on with its own pages when newer files replace them.
_templates = jinja2.Environment(
    loader=jinja2.DictLoader({path.name: path.read_text("utf-8") for path in _FOLDER.glob("*.html")}),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters |= {
    "size": human_size,
    "value": human_value,
    "revision": lambda name: quote(name, safe=""),
    "path": quote,
    "title": revisions.commit_title,
    "description": revisions.commit_description,
    "date": lambda commit: revisions.commit_date(commit)[:16].replace("T", " "),
}


def page(endpoint: Callable[[Request], Response]) -> Callable[[Request], Response]:
    """Answer a refusal with a page instead of JSON."""

    def answered(request: Request) -> Response:
        try:
            return endpoint(request)
        except Moved:
            raise
        except Refusal as refusal:
            plain = answer(request, refusal)
            shown = render("refusal.html", status=plain.status_code, message=refusal.message)
            shown.status_code = plain.status_code
            shown.headers["X-Error-Code"] = refusal.code
            return shown

    return answered


def index(request: Request) -> Response:
    """List the repos."""
    repos = [repo for repo in the_hub(request).store.repos() if _is_shown(request, repo)]
    rows = [(repo, revisions.find_commit(repo.open(), revisions.MAIN)) for repo in repos]
    rows.sort(key=lambda row: row[1].commit_time, reverse=True)
    return render("index.html", rows=rows)


def repo_page(request: Request) -> Response:
    """Show a repo's card, files, newest commits, branches and tags."""
    repo, git = shown_repo(request)
    commit = revisions.find_commit(git, revisions.MAIN)
    return render(
        "repo.html",
        **about(repo, git, revisions.MAIN, commit),
        card=_card(repo, git, commit),
        origin=str(request.base_url).rstrip("/"),
        releases=releases(git),
        may_read=may_read(repo, caller(request), the_hub(request).users),
        entries=_entries(git, commit.tree, ""),
        folder="",
        commits=list(islice(revisions.history(git, commit), RECENT_COMMITS)),
    )


def tree_page(request: Request) -> Response:
    """Show a folder at a revision."""
    repo, git = shown_repo(request)
    revision = param(request, "revision")
    commit = revisions.find_commit(git, revision)
    folder = param(request, "path").strip("/") if "path" in request.path_params else ""
    tree = trees.find_folder(commit, folder)
    return render(
        "tree.html",
        **about(repo, git, revision, commit),
        entries=_entries(git, tree, f"{folder}/" if folder else ""),
        folder=folder,
    )


def blob_page(request: Request) -> Response:
    """Show a file at a revision: its text, its picture, or that it has neither."""
    repo, git = shown_repo(request)
    require_readable(request, repo, caller(request))
    revision = param(request, "revision")
    commit = revisions.find_commit(git, revision)
    entry = trees.find_file(git, commit, param(request, "path"))
    guessed = mimetypes.guess_type(entry.path)[0] or ""
    text = None
    if entry.lfs is None and entry.size <= SHOWN_BYTES and not guessed.startswith("image/"):
        text = _text(trees.read_file(git, entry))
    return render(
        "blob.html",
        **about(repo, git, revision, commit),
        entry=entry,
        text=text,
        is_picture=guessed.startswith("image/"),
    )


def commits_page(request: Request) -> Response:
    """Show the history of a revision."""
    repo, git = shown_repo(request)
    revision = param(request, "revision")
    commit = revisions.find_commit(git, revision)
    page_number = number_of(request.query_params.get("page", "1"), "page", least=1)
    start = (page_number - 1) * COMMITS_SHOWN
    found = list(islice(revisions.history(git, commit), start, start + COMMITS_SHOWN + 1))
    return render(
        "commits.html",
        **about(repo, git, revision, commit),
        commits=found[:COMMITS_SHOWN],
        page=page_number,
        has_more=len(found) > COMMITS_SHOWN,
    )


def commit_page(request: Request) -> Response:
    """Show what a commit changed, by file."""
    repo, git = shown_repo(request)
    revision = param(request, "revision")
    commit = revisions.find_commit(git, revision)
    if commit.parents:
        diff = commit.parents[0].tree.diff_to_tree(commit.tree)
    else:
        diff = commit.tree.diff_to_tree(swap=True)
    changes = [(delta.status_char(), delta.new_file.path) for delta in diff.deltas]
    return render("commit.html", **about(repo, git, revision, commit), changes=changes)


def raw(request: Request) -> Response:
    """Send a file to the page that shows its repo, private ones included where pages show them."""
    repo, git = shown_repo(request)
    require_readable(request, repo, caller(request))
    commit = revisions.find_commit(git, param(request, "revision"))
    entry = trees.find_file(git, commit, param(request, "path"))
    headers = {"ETag": f'"{entry.etag}"', **SAFE_HEADERS}
    if entry.lfs is None:
        return small_file(request, trees.read_file(git, entry), entry.path, headers)
    path = lfs.require_file(repo.path, entry.lfs, str(commit.id))
    return LargeFile(path, headers=headers, media_type=media_type(entry.path))


def _is_shown(request: Request, repo: Repo) -> bool:
    return not repo.settings.private or the_hub(request).show_private or caller(request) is not None


def shown_repo(request: Request) -> tuple[Repo, pygit2.Repository]:
    """Return the repo if its page may be seen."""
    sees_private = the_hub(request).show_private or caller(request) is not None
    repo = find_repo(request, sees_private=sees_private)
    if repo is None:
        raise RepoNotFound(anonymous=False)
    return repo, repo.open()


def about(repo: Repo, git: pygit2.Repository, revision: str, commit: pygit2.Commit) -> dict[str, Any]:
    """Everything that the frame around a repo's pages shows."""
    return {
        "repo": repo,
        "revision": revision,
        "commit": commit,
        "files": files_of(repo),
        "branches": revisions.list_refs(git, revisions.BRANCHES),
        "tags": revisions.list_refs(git, revisions.TAGS),
    }


def files_of(repo: Repo) -> str:
    """Where pages link to files: a browser has no token, so private ones come from a page of their own."""
    return "raw" if repo.settings.private else "resolve"


def _card(repo: Repo, git: pygit2.Repository, commit: pygit2.Commit) -> dict[str, Any] | None:
    entry = trees.find_entry(git, commit, "README.md")
    if entry is None or entry.is_folder or entry.lfs:
        return None
    readme = trees.read_file(git, entry).decode(errors="replace")
    card = read_card(readme)
    address = repo.id.address
    place = Place(f"{address}/blob/{revisions.MAIN}", f"{address}/{files_of(repo)}/{revisions.MAIN}")
    html = render_markdown(card.text, place, anchors=True)
    # Whoever wrote none misses none.
    warnings = card.warnings if len(card.text) < len(readme) else []
    return {"data": card.data or {}, "errors": card.errors, "warnings": warnings, "html": html}


def _entries(git: pygit2.Repository, tree: pygit2.Tree, prefix: str) -> list[trees.Entry]:
    return sorted(trees.walk(git, tree, prefix, recursive=False), key=lambda entry: not entry.is_folder)


def _text(content: bytes) -> str | None:
    try:
        return None if b"\0" in content else content.decode()
    except UnicodeDecodeError:
        return None


def render(template: str, **values: Any) -> Response:
    """Fill in a template."""
    return HTMLResponse(_templates.get_template(template).render(**values), headers=PAGE_HEADERS)
