"""Names for commits: branches, tags, pull request refs and shas, and the history behind them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pygit2
from pygit2.enums import ObjectType, SortMode

from localhub.errors import AlreadyExists, BadRequest, RevisionNotFound
from localhub.repos.storage import signature

BRANCHES = "refs/heads/"
TAGS = "refs/tags/"
# Revisions under these are written out in full: refs/pr/1, refs/convert/parquet.
SPELLED_OUT = ("refs/pr/", "refs/convert/")
MAIN = "main"

_SHA = re.compile(r"[0-9a-f]{40}")
# Of no use in a name, and git takes some of them.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SHORT_SHA = re.compile(r"[0-9a-f]{7,39}")


@dataclass(frozen=True)
class Ref:
    """A branch or tag as the Hub lists it."""

    name: str
    ref: str
    commit: str

    def row(self) -> dict[str, str]:
        """The ref as `/refs` answers it."""
        return {"name": self.name, "ref": self.ref, "targetCommit": self.commit}


def find_commit(git: pygit2.Repository, revision: str) -> pygit2.Commit:
    """Return the commit a revision names: a branch, a tag, `refs/pr/N`, or a sha of 7 to 40 digits.

    Raises:
        RevisionNotFound: There is no such revision.
    """
    if _SHA.fullmatch(revision):
        found = git.get(revision)
    else:
        name = next((name for name in _ref_names(revision) if _exists(git, name)), None)
        if name is not None:
            return git.references[name].peel(pygit2.Commit)
        found = _find_short(git, revision)
    if not isinstance(found, pygit2.Commit):
        raise RevisionNotFound(revision)
    return found


def find_branch(git: pygit2.Repository, revision: str) -> pygit2.Reference:
    """Return the reference that a commit to this revision moves: a branch or a pull request's.

    Raises:
        RevisionNotFound: There is no such revision.
        BadRequest: The revision is a tag or a sha, which never move.
    """
    name = revision if revision.startswith(SPELLED_OUT) else BRANCHES + revision
    if _exists(git, name):
        return git.references[name]
    find_commit(git, revision)
    raise BadRequest(f"Commits go to a branch, and {revision!r} is none")


def list_refs(git: pygit2.Repository, prefix: str, *, spelled_out: bool = False) -> list[Ref]:
    """List the refs below a prefix such as `refs/tags/`, each with the commit it leads to."""
    refs = []
    for name in sorted(git.references):
        if name.startswith(prefix):
            commit = git.references[name].peel(pygit2.Commit)
            refs.append(Ref(name if spelled_out else name.removeprefix(prefix), name, str(commit.id)))
    return refs


def create_branch(git: pygit2.Repository, name: str, start: str | None) -> None:
    """Make a branch at a revision; without one, at the head of main."""
    target = find_commit(git, start or MAIN)
    _refuse_bad_name(BRANCHES, name)
    if _exists(git, BRANCHES + name):
        raise AlreadyExists(f"Reference {BRANCHES}{name} already exists")
    git.create_reference(BRANCHES + name, target.id)


def delete_branch(git: pygit2.Repository, name: str) -> None:
    """Delete a branch other than main."""
    if name == MAIN:
        raise BadRequest(f"Cannot delete {BRANCHES}{MAIN}: it is the default branch")
    _delete(git, BRANCHES, name)


def create_tag(git: pygit2.Repository, name: str, revision: str, message: str | None, author: str) -> None:
    """Tag a revision; with a message the tag is an object of its own, signed by its author."""
    target = find_commit(git, revision)
    _refuse_bad_name(TAGS, name)
    if _exists(git, TAGS + name):
        raise AlreadyExists(f"Tag reference exists already: {name!r}")
    if message:
        git.create_tag(name, target.id, ObjectType.COMMIT, signature(author), message)
    else:
        git.create_reference(TAGS + name, target.id)


def delete_tag(git: pygit2.Repository, name: str) -> None:
    """Delete a tag, wherever it points."""
    _delete(git, TAGS, name)


def squash(git: pygit2.Repository, revision: str, message: str, author: str) -> str:
    """Make of a branch one commit that has its files and no parent; the caller holds the repo's lock."""
    branch = find_branch(git, revision)
    signed = signature(author)
    commit = git.create_commit(None, signed, signed, message, branch.peel(pygit2.Commit).tree.id, [])
    branch.set_target(commit)
    return str(commit)


def history(git: pygit2.Repository, commit: pygit2.Commit) -> Iterator[pygit2.Commit]:
    """Walk from a commit to the first, newest first."""
    yield from git.walk(commit.id, SortMode.TOPOLOGICAL | SortMode.TIME)


def commit_date(commit: pygit2.Commit) -> str:
    """When a commit was made, as the Hub writes it."""
    moment = datetime.fromtimestamp(commit.commit_time, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def commit_title(commit: pygit2.Commit) -> str:
    """The first line of a commit's message."""
    return commit.message.split("\n", 1)[0]


def commit_description(commit: pygit2.Commit) -> str:
    """A commit's message without its first line."""
    return commit.message.partition("\n")[2].strip("\n")


def _ref_names(revision: str) -> tuple[str, ...]:
    if revision.startswith((*SPELLED_OUT, BRANCHES, TAGS)):
        return (revision,)
    return (BRANCHES + revision, TAGS + revision)


def _exists(git: pygit2.Repository, name: str) -> bool:
    return is_name(name) and name in git.references


def is_name(name: str) -> bool:
    """Say whether git could have a reference of this name."""
    return _CONTROL.search(name) is None and pygit2.reference_is_valid_name(name)


def _find_short(git: pygit2.Repository, revision: str) -> pygit2.Object | None:
    if not _SHORT_SHA.fullmatch(revision):
        return None
    try:
        return git[revision]
    except (KeyError, ValueError):  # none, or more than one
        return None


def _refuse_bad_name(prefix: str, name: str) -> None:
    # A ref that looks like a full sha could never be reached: shas go first.
    if _SHA.fullmatch(name) or name.startswith("refs/") or not is_name(prefix + name):
        what = "branch" if prefix == BRANCHES else "tag"
        raise BadRequest(f"Invalid reference for a {what}: {name!r}")


def _delete(git: pygit2.Repository, prefix: str, name: str) -> None:
    if not _exists(git, prefix + name):
        raise RevisionNotFound(name)
    git.references.delete(prefix + name)
