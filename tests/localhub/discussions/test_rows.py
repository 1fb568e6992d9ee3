from __future__ import annotations

from pathlib import Path

import pygit2

from localhub.discussions import documents, rows
from localhub.discussions.documents import Discussion, Event
from localhub.discussions.pull_requests import Place
from localhub.repos.storage import Repo, RepoId, Settings


def made(tmp_path: Path, kind: str, second: int, text: str = "") -> Event:
    event = documents.comment("ann", text) if kind == "comment" else documents.status_change("ann", "closed")
    return {**event, "createdAt": f"1970-01-01T00:00:{second:02}.500Z"}


def test_rows_are_in_order_and_commits_first_of_one_second(tmp_path: Path) -> None:
    git = pygit2.init_repository(str(tmp_path), bare=True)
    repo = Repo(RepoId("dataset", "ann", "rows"), tmp_path, Settings("now"))
    main = git.create_commit(None, *commit_of(git, 0), [])
    git.references.create("refs/heads/main", main)
    proposed = git.create_commit(None, *commit_of(git, 20), [main])
    git.references.create("refs/pr/1", proposed)
    events = [
        made(tmp_path, "comment", 10, "**why** <script>x</script> [a](b.md)"),
        made(tmp_path, "comment", 20, "seen"),
        made(tmp_path, "status-change", 30),
    ]
    found = Discussion(1, "Title", "ann", "now", "open", events, "main", str(main))
    told = rows.events_of(repo, Place(tmp_path, git), found)
    assert [one["type"] for one in told] == ["comment", "commit", "comment", "status-change"]
    assert told[1]["data"] == {"oid": str(proposed), "subject": "s20"}
    first = told[0]["data"]["latest"]
    assert first["raw"] == "**why** <script>x</script> [a](b.md)"
    assert "<strong>why</strong>" in first["html"]
    assert "<script>" not in first["html"]
    assert 'href="/datasets/ann/rows/blob/main/b.md"' in first["html"]
    assert "html" not in events[0]["data"]["latest"]  # what is kept stays as it was

    row = rows.row(repo, found)
    assert (row["numComments"], row["isPullRequest"]) == (2, True)
    assert row["repo"] == {"name": "ann/rows", "type": "dataset"}


def commit_of(
    git: pygit2.Repository, second: int
) -> tuple[pygit2.Signature, pygit2.Signature, str, pygit2.Oid]:
    signed = pygit2.Signature("ann", "a@b", second, 0)
    return signed, signed, f"s{second}", git.TreeBuilder().write()
