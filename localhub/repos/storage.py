"""Where the repos live: one bare git repository each, below one root.

```
ROOT/
├── localhub.lock        held while a server runs on this root
├── signing.key          signs upload links, so that they outlive a restart
├── staging/             repos being made or deleted, bodies being read; emptied at every start
├── moved.json           the old names of repos
├── models/NS/NAME.git   a bare repository; its LFS objects are in lfs/objects, as git-lfs has them
└── datasets/NS/NAME.git
```

A repo appears, moves and disappears by one rename, so a killed server leaves it whole or not at all. The root
is for its owner alone: folders have the mode 0700 and files 0600.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pygit2
from pygit2.enums import FileMode, Option

from localhub.errors import AlreadyExists, BadRequest, RepoNotFound
from localhub.repos.durable import replace_file
from localhub.repos.moves import Moves

Kind = Literal["model", "dataset"]
Gated = Literal["auto", "manual", False]

FOLDERS: dict[Kind, str] = {"model": "models", "dataset": "datasets"}
# Namespaces that would hide the server's own addresses.
RESERVED = frozenset({"api", "datasets", "models", "spaces"})
SETTINGS_FILE = "localhub.json"

_PART = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?")
_INITIAL_ATTRIBUTES = Path(__file__).with_name("gitattributes.txt")


@dataclass(frozen=True)
class RepoId:
    """A repo's kind, namespace and name."""

    kind: Kind
    namespace: str
    name: str

    @property
    def full(self) -> str:
        """`namespace/name`, as the client writes it."""
        return f"{self.namespace}/{self.name}"

    @property
    def address(self) -> str:
        """The path of the repo's page, without the host."""
        return f"/{self.full}" if self.kind == "model" else f"/datasets/{self.full}"


@dataclass(frozen=True)
class Settings:
    """What a repo has besides its git history."""

    created_at: str
    private: bool = False
    gated: Gated = False


@dataclass(frozen=True)
class Repo:
    """A repo that exists: its id, its folder and its settings when it was looked up."""

    id: RepoId
    path: Path
    settings: Settings

    def open(self) -> pygit2.Repository:
        """Open the git repository; libgit2's objects are not to be shared between threads.

        Raises:
            RepoNotFound: The repo was deleted after it was looked up.
        """
        try:
            return pygit2.Repository(str(self.path))
        except pygit2.GitError:
            raise RepoNotFound(anonymous=False) from None


class Store:
    """All repos below one root; at most one server process has it at a time."""

    def __init__(self, root: Path, *, lock_seconds: float = 2.0) -> None:
        """Take the root, and put away what a killed server left half done.

        Raises:
            BlockingIOError: Another server still has this root after `lock_seconds`.
            OSError: The root cannot be made or written.
        """
        self.root = root
        self.staging = root / "staging"
        self._locks: dict[RepoId, threading.RLock] = {}
        self._locks_guard = threading.Lock()
        # Held where names are given and taken; always before a repo's own lock.
        self._names = threading.Lock()
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        root.chmod(0o700)
        self._root_lock = _lock_file(root / "localhub.lock", lock_seconds)
        shutil.rmtree(self.staging, ignore_errors=True)
        self.staging.mkdir()
        for repo in self.repos():
            _remove_leftovers(repo.path)
        pygit2.option(Option.ENABLE_FSYNC_GITDIR, True)
        self.signing_key = _signing_key(root / "signing.key")
        self._moves = Moves(root / "moved.json")

    def lock(self, repo_id: RepoId) -> threading.RLock:
        """Return the lock that every change to this repo is made under."""
        with self._locks_guard:
            return self._locks.setdefault(repo_id, threading.RLock())

    def find(self, repo_id: RepoId) -> Repo | None:
        """Return the repo, or None where there is none of this name."""
        if not _is_valid(repo_id):
            return None
        path = self._path(repo_id)
        try:
            settings = Settings(**json.loads((path / SETTINGS_FILE).read_bytes()))
        except (FileNotFoundError, NotADirectoryError):
            return None
        return Repo(repo_id, path, settings)

    def find_elsewhere(self, repo_id: RepoId) -> Repo | None:
        """Return the repo that had this name before, or has it in other letters; None where there is none."""
        if not _is_valid(repo_id):
            return None
        target = self._moves.target(_key(repo_id))
        if target is not None:
            _, namespace, name = target.split("/")
            moved = self.find(RepoId(repo_id.kind, namespace, name))
            if moved is not None:
                return moved
        wanted = repo_id.full.lower()
        for path in (self.root / FOLDERS[repo_id.kind]).glob("*/*.git"):
            other = RepoId(repo_id.kind, path.parent.name, path.name.removesuffix(".git"))
            if other.full.lower() == wanted:
                return self.find(other)
        return None

    def repos(self) -> Iterator[Repo]:
        """Yield every repo, models first, by name."""
        for kind, folder in FOLDERS.items():
            for path in sorted((self.root / folder).glob("*/*.git")):
                repo = self.find(RepoId(kind, path.parent.name, path.name.removesuffix(".git")))
                if repo is not None:
                    yield repo

    def create(self, repo_id: RepoId, *, private: bool, author: str) -> Repo:
        """Make a repo with its first commit, the rules for large files.

        Raises:
            BadRequest: The name is not one the Hub would take.
            AlreadyExists: There is such a repo, or one of this name in other letters.
        """
        _require_valid(repo_id)
        settings = Settings(created_at=now(), private=private)
        staged = self.staging / secrets.token_hex(8)
        git = pygit2.init_repository(str(staged), bare=True, initial_head="main")
        shutil.rmtree(staged / "hooks")  # nothing here runs any
        _commit_first(git, author)
        replace_file(staged / SETTINGS_FILE, json.dumps(vars(settings)).encode())
        path = self._path(repo_id)
        with self._names, self.lock(repo_id):
            if self._taken(repo_id) is not None:
                shutil.rmtree(staged)
                raise AlreadyExists(f"You already created this {repo_id.kind} repo")
            self._moves.forget(_key(repo_id))
            path.parent.mkdir(parents=True, exist_ok=True)
            staged.rename(path)
        return Repo(repo_id, path, settings)

    def move(self, repo: Repo, new: RepoId) -> Repo:
        """Give a repo another name; the old one leads to it from then on.

        Raises:
            BadRequest: The name is not one the Hub would take.
            AlreadyExists: There is such a repo, or one of this name in other letters.
            RepoNotFound: The repo was deleted or moved meanwhile.
        """
        _require_valid(new)
        path = self._path(new)
        with self._names, self.lock(repo.id), self.lock(new):
            taken = self._taken(new)
            if taken is not None and taken.id != repo.id:
                raise AlreadyExists(f"A {new.kind} repository called {taken.id.full} already exists")
            if self.find(repo.id) is None:
                raise RepoNotFound(anonymous=False)
            # First: a name that leads elsewhere does no harm to a repo that still has it.
            self._moves.add(_key(repo.id), _key(new))
            path.parent.mkdir(parents=True, exist_ok=True)
            repo.path.rename(path)
        return Repo(new, path, repo.settings)

    def delete(self, repo: Repo) -> None:
        """Remove a repo with all its LFS objects; there is no way back."""
        removed = self.staging / secrets.token_hex(8)
        with self._names, self.lock(repo.id):
            self._moves.forget(_key(repo.id))
            try:
                repo.path.rename(removed)
            except FileNotFoundError:
                raise RepoNotFound(anonymous=False) from None
        shutil.rmtree(removed)

    def change_settings(self, repo: Repo, *, private: bool | None, gated: Gated | None) -> None:
        """Change what is not None."""
        with self.lock(repo.id):
            current = self.find(repo.id)
            if current is None:
                raise RepoNotFound(anonymous=False)
            settings = current.settings
            if private is not None:
                settings = replace(settings, private=private)
            if gated is not None:
                settings = replace(settings, gated=gated)
            replace_file(repo.path / SETTINGS_FILE, json.dumps(vars(settings)).encode())

    def _taken(self, repo_id: RepoId) -> Repo | None:
        other = self.find(repo_id) or self.find_elsewhere(repo_id)
        # A name that only leads elsewhere is free.
        return other if other is not None and other.id.full.lower() == repo_id.full.lower() else None

    def _path(self, repo_id: RepoId) -> Path:
        return self.root / FOLDERS[repo_id.kind] / repo_id.namespace / f"{repo_id.name}.git"


def now() -> str:
    """The time as the Hub writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def signature(name: str) -> pygit2.Signature:
    """Sign a commit with a user's name, at this moment."""
    return pygit2.Signature(name, f"{name}@users.noreply.localhub", int(time.time()), 0)


def _is_valid(repo_id: RepoId) -> bool:
    return (
        all(_PART.fullmatch(part) for part in (repo_id.namespace, repo_id.name))
        and len(repo_id.full) <= 96
        and "--" not in repo_id.full
        and ".." not in repo_id.full
        and not repo_id.name.endswith(".git")
        and repo_id.namespace.lower() not in RESERVED
    )


def _require_valid(repo_id: RepoId) -> None:
    if not _is_valid(repo_id):
        raise BadRequest(
            f"Invalid repo name {repo_id.full!r}: letters, digits, '-', '_' and '.', at most 96 "
            "characters, no '--' or '..', no '.git' at the end"
        )


def _key(repo_id: RepoId) -> str:
    return f"{FOLDERS[repo_id.kind]}/{repo_id.full}"


def _commit_first(git: pygit2.Repository, author: str) -> None:
    index = pygit2.Index()
    blob = git.create_blob(_INITIAL_ATTRIBUTES.read_bytes())
    index.add(pygit2.IndexEntry(".gitattributes", blob, FileMode.BLOB))
    signed = signature(author)
    git.create_commit("refs/heads/main", signed, signed, "initial commit", index.write_tree(git), [])


def _lock_file(path: Path, seconds: float) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    give_up = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        except BlockingIOError:
            # A server that was just told to stop may need a moment more.
            if time.monotonic() >= give_up:
                os.close(descriptor)
                raise
            time.sleep(0.05)


def _remove_leftovers(path: Path) -> None:
    # A reference lock of a killed server would make every later commit fail. Nobody else holds one:
    # this process has the root.
    for lock in [*path.glob("*.lock"), *path.glob("refs/**/*.lock")]:
        lock.unlink()
    yesterday = time.time() - 24 * 3600
    for upload in path.glob("lfs/incoming/*"):
        if upload.stat().st_mtime < yesterday:
            shutil.rmtree(upload)


def _signing_key(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        key = secrets.token_bytes(32)
        replace_file(path, key)
        return key
