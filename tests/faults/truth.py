"""What must be true of Hub and workspace, whatever broke."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pygit2
from huggingface_hub.hf_api import RepoFile

from tests.faults.lanes import REPO, Lane, Ran
from tests.support import workspaces

# What a release may carry besides the model and its card.
BESIDES = {".gitattributes", "provenance.json", "model.sig"}
# What a repository holds that was just made.
EMPTY = {".gitattributes"}


@dataclass(frozen=True)
class State:
    """The Hub and the workspace as they are.

    Attributes:
        trees: The files of main's commits by path, each with its sha256: the head's, its first parent's, …;
            that of a new repository is left out.
        commits: Those commits.
        tags: The commit of each tag.
        branches: Every branch.
        open: The numbers of the pull requests that wait.
        receipts: The names of the receipts that git has.
        loose: What git says of `receipts/` that is not committed.
    """

    trees: list[Mapping[str, str]]
    commits: list[str]
    tags: Mapping[str, str]
    branches: list[str]
    open: list[int]
    receipts: set[str]
    loose: str

    @property
    def head(self) -> str:
        """Main's commit; before the first release none."""
        return self.commits[0] if self.commits else ""

    @property
    def tree(self) -> Mapping[str, str]:
        """Main's files."""
        return self.trees[0] if self.trees else {}

    @property
    def next_version(self) -> str:
        """What the next release is tagged with."""
        return f"v{len(self.tags) + 1}"

    def since(self, start: State) -> list[Mapping[str, str]] | None:
        """The trees of the commits that main got since `start`, the oldest first; None: it lost that one."""
        if start.head and start.head not in self.commits:
            return None
        return self.trees[: self.commits.index(start.head) if start.head else None][::-1]


def look(lane: Lane) -> State:
    """Look at the Hub through its API, past the proxy, and at the workspace through git."""
    api = lane.api()
    receipts = set(workspaces.git(lane.folder, "ls-files", "receipts").split())
    loose = workspaces.git(lane.folder, "status", "--porcelain", "--", "receipts")
    if not api.repo_exists(REPO):
        return State([], [], {}, ["main"], [], receipts, loose)
    trees = {commit: _tree(lane, commit) for commit in _first_parents(lane)}
    trees = {commit: tree for commit, tree in trees.items() if not set(tree) <= EMPTY}
    refs = api.list_repo_refs(REPO)
    return State(
        trees=list(trees.values()),
        commits=list(trees),
        tags={tag.name: tag.target_commit for tag in refs.tags},
        branches=[branch.name for branch in refs.branches],
        open=[one.num for one in api.get_repo_discussions(REPO) if one.status in ("open", "draft")],
        receipts=receipts,
        loose=loose,
    )


def intended(folder: Path) -> dict[str, str]:
    """What a release of this workspace holds: the model's files and, before these, the card's."""
    files = {}
    for part in ("model", "card"):
        for path in (folder / part).rglob("*"):
            if path.is_file():
                files[path.relative_to(folder / part).as_posix()] = path
    return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}


def is_new(tree: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    """Whether a tree is the intended one, whole, with nothing left of the one before."""
    return (
        all(tree.get(path) == digest for path, digest in wanted.items())
        and set(tree) - set(wanted) <= BESIDES
    )


def after_fault(start: State, now: State, wanted: Mapping[str, str]) -> list[str]:
    """Say what is wrong in between: main may be the old tree or the new one, and nothing may be lost."""
    faults = []
    if now.since(start) is None:
        faults.append("main lost the commit of the last release")
    for commit, tree in zip(now.commits, now.trees, strict=True):
        if commit not in start.commits and tree != start.tree and not is_new(tree, wanted):
            faults.append(f"main had {commit[:12]}, which is neither the old tree nor the new one")
    if {name: now.tags.get(name) for name in start.tags} != start.tags:
        faults.append(f"tags moved: {dict(now.tags)}, before {dict(start.tags)}")
    if not start.receipts <= now.receipts:
        faults.append("a receipt is lost")
    return faults


def after_retry(start: State, now: State, wanted: Mapping[str, str], ran: Ran) -> list[str]:
    """Say what is wrong at the end: one new commit, one tag, one receipt, nothing left open."""
    faults = after_fault(start, now, wanted)
    if ran.code != 0:
        faults.append(f"the retry ended with {ran.code}: {ran.said.strip()[-600:]}")
    if not is_new(now.tree, wanted):
        faults.append("main is not the intended tree")
    steps = "".join("n" if is_new(tree, wanted) else "o" for tree in now.since(start) or [])
    # "o" after an "n": a release that was taken back after its merge.
    if steps not in ("n", "non"):
        faults.append(f"main went through {steps!r} (n: the new tree, o: the old one)")
    if now.tags != {**start.tags, start.next_version: now.head}:
        faults.append(f"tags are {dict(now.tags)}, main is {now.head}")
    if now.receipts != start.receipts | {f"receipts/{now.head}.json"} or now.loose:
        faults.append(f"receipts are {sorted(now.receipts)}, main is {now.head}; not in git: {now.loose!r}")
    if now.open:
        faults.append(f"pull requests are open: {now.open}")
    if now.branches != ["main"]:
        faults.append(f"branches are {now.branches}")
    return faults


def after_stranger(start: State, now: State, wanted: Mapping[str, str], file: str) -> list[str]:
    """Say what is wrong where somebody else added a file to main meanwhile: that must stay."""
    faults = []
    if now.since(start) is None:
        faults.append("main lost the commit of the last release")
    ours = {path: digest for path, digest in now.tree.items() if path != file}
    if file not in now.tree:
        faults.append("the stranger's file is gone from main")
    if ours != start.tree and not is_new(ours, wanted):
        faults.append("beside the stranger's file main has neither the old tree nor the new one")
    for name in sorted(set(now.tags) - set(start.tags)):
        if now.tags[name] not in now.commits:
            faults.append(f"the tag {name} points to {now.tags[name]}, which is not on main")
        elif not is_new(now.trees[now.commits.index(now.tags[name])], wanted):
            faults.append(f"the tag {name} points to a tree that is not the intended one")
    for receipt in now.receipts - start.receipts:
        if Path(receipt).stem not in now.tags.values():
            faults.append(f"{receipt} names a commit without a tag")
    if now.open:
        faults.append(f"pull requests are open: {now.open}")
    return faults


def _tree(lane: Lane, commit: str) -> dict[str, str]:
    """Every file's sha256; of a small one the Hub's own list has only git's id."""
    git = pygit2.Repository(str(lane.git))
    files = {}
    for entry in lane.api().list_repo_tree(REPO, revision=commit, recursive=True):
        if isinstance(entry, RepoFile):
            blob = git[entry.blob_id].peel(pygit2.Blob).data
            files[entry.path] = entry.lfs.sha256 if entry.lfs else hashlib.sha256(blob).hexdigest()
    return files


def _first_parents(lane: Lane) -> list[str]:
    git = pygit2.Repository(str(lane.git))
    commit = git.references["refs/heads/main"].peel(pygit2.Commit)
    found = [str(commit.id)]
    while commit.parents:
        commit = commit.parents[0]
        found.append(str(commit.id))
    return found
