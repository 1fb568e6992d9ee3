"""What a repo's tags name, with the verdict that its statement of provenance gives of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pygit2

from localhub.repos import revisions, trees

# An in-toto statement, as whoever released it wrote it; nobody here vouches for it.
STATEMENT = "provenance.json"
STATEMENT_BYTES = 1024 * 1024
SHOWN = 20


@dataclass(frozen=True)
class Release:
    """A commit that tags name, and what was said of it; None where nothing was."""

    tags: Sequence[str]
    commit: pygit2.Commit
    verdict: str | None
    approved_by: str | None
    restores: str | None


def releases(git: pygit2.Repository) -> list[Release]:
    """List the tagged commits, the newest first."""
    tags: dict[str, list[str]] = {}
    for ref in revisions.list_refs(git, revisions.TAGS):
        tags.setdefault(ref.commit, []).append(ref.name)
    commits = [revisions.find_commit(git, sha) for sha in tags]
    commits.sort(key=lambda commit: commit.commit_time, reverse=True)
    return [_release(git, tags[str(commit.id)], commit) for commit in commits[:SHOWN]]


def _release(git: pygit2.Repository, tags: Sequence[str], commit: pygit2.Commit) -> Release:
    said = _inside(_statement(git, commit), "predicate", "buildDefinition", "internalParameters")
    return Release(
        tags,
        commit,
        verdict=_text(_inside(said, "verdict").get("outcome")),
        approved_by=_text(_inside(said, "approval").get("name")),
        restores=_text(said.get("restores")),
    )


def _statement(git: pygit2.Repository, commit: pygit2.Commit) -> Any:
    entry = trees.find_entry(git, commit, STATEMENT)
    if entry is None or entry.is_folder or entry.lfs or entry.size > STATEMENT_BYTES:
        return None
    try:
        return json.loads(trees.read_file(git, entry))
    except (ValueError, RecursionError):  # somebody's own file of this name
        return None


def _inside(value: Any, *keys: str) -> Mapping[str, Any]:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return value[:100].encode(errors="replace").decode() if isinstance(value, str) and value else None
