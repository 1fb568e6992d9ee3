"""The workspace's log: entries that only grow, on a ref of their own beside the code's branches.

A verdict's error rates rest on how often the test rows were looked at, refused candidates included. A file
in the work tree forgets that with every checkout, stash, older commit, worktree and queued experiment. So the
log is a chain of git commits on `refs/katman/log` of the repository's common directory: each commit's tree
holds every entry so far, one JSON file by its sha256, and two logs merge by the union of their trees. No
checkout moves the ref, every worktree sees it, and what DVC runs in a repository of its own below
`.dvc/tmp/exps` writes to the workspace that it was started from.
"""

import hashlib
import os
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from pipeline.errors import BrokenChain, InvalidWorkspace
from pipeline.records.log import Entry, What

REF = "refs/katman/log"
_FETCHED = "refs/katman/fetched"
_NOTHING = "0" * 40
_TRIES = 20  # of a head that others move meanwhile
_WHO = {
    f"GIT_{role}_{key}": value
    for role in ("AUTHOR", "COMMITTER")
    for key, value in (("NAME", "katman"), ("EMAIL", "katman@localhost"))
}


def head(workspace: Path) -> str | None:
    """Return the log's newest commit; None where nothing was logged yet.

    Raises:
        InvalidWorkspace: The workspace stands in no git repository, or git refuses it.
    """
    answer = _git(workspace, "rev-parse", "--verify", "--quiet", REF, refusable=True)
    if answer.returncode > 1:
        raise _refused(answer)
    return answer.stdout.decode().strip() or None


def entries(workspace: Path, commit: str | None = None) -> dict[str, Entry]:
    """Read the entries at a commit of the log, by name, oldest first.

    Args:
        workspace: The folder of the workspace.
        commit: A commit of the log; the newest where None.

    Raises:
        BrokenChain: There is no such commit here, or an entry is not one.
    """
    commit = commit or head(workspace)
    if commit is None:
        return {}
    blobs = _tree(workspace, commit)
    asked = "".join(f"{blob}\n" for blob in blobs.values()).encode()
    answer = _git(workspace, "cat-file", "--batch", stdin=asked).stdout
    found: dict[str, Entry] = {}
    place = 0
    for name in blobs:
        line = answer.index(b"\n", place)
        size = int(answer[place:line].split()[-1])
        content = answer[line + 1 : line + 1 + size]
        place = line + size + 2
        try:
            entry = Entry.model_validate_json(content)
        except ValidationError as error:
            raise BrokenChain(
                f"entry {name[:12]} of the log {REF} cannot be read: {error.errors()[0]['msg']}; wanted one "
                "that this version of katman wrote. Run the version that wrote it, or a newer one"
            ) from None
        digest = hashlib.sha256(content).hexdigest()
        if digest != name:
            raise BrokenChain(
                f"entry {name[:12]} of the log {REF} has sha256 {digest[:12]}; wanted the entry as it "
                "was written. Somebody edited the log: find out who, and fetch it from where it was backed up"
            )
        found[name] = entry
    return dict(sorted(found.items(), key=lambda item: (item[1].at, item[0])))


def append(workspace: Path, what: What) -> Entry:
    """Add one entry on top of whatever stands there, and return it.

    Raises:
        InvalidWorkspace: git refused.
    """
    for _ in range(_TRIES):
        entry = append_on(workspace, head(workspace), what)
        if entry is not None:
            return entry
    raise InvalidWorkspace(
        f"{REF} of {home(workspace)} was moved by somebody else {_TRIES} times in a row; wanted one writer "
        "at a time. See what else runs on this workspace, then run it again"
    )


def append_on(workspace: Path, standing: str | None, what: What) -> Entry | None:
    """Add one entry on top of this very commit; None, and nothing is added, where the log moved on meanwhile.

    Args:
        workspace: The folder of the workspace.
        standing: The head that the entry rests on; None where nothing was logged yet.
        what: What happened.

    Raises:
        InvalidWorkspace: git refused.
    """
    entry = Entry(after=standing, at=datetime.now(UTC).isoformat(timespec="microseconds"), what=what)
    blob = _git(workspace, "hash-object", "-w", "--stdin", stdin=entry.dump()).stdout.decode().strip()
    tree = {**(_tree(workspace, standing) if standing else {}), entry.name: blob}
    parents = [standing] if standing else []
    return entry if _moved(workspace, standing, tree, parents, f"{what.kind}: {_title(what)}") else None


def holds(workspace: Path, commit: str) -> bool:
    """Return whether a commit of the log is part of what this log knows."""
    standing = head(workspace)
    if standing is None:
        return False
    return _git(workspace, "merge-base", "--is-ancestor", commit, standing, refusable=True).returncode == 0


def came_with(workspace: Path, name: str) -> str:
    """Return the commit of the log that an entry came with: the first one that holds it.

    Raises:
        BrokenChain: The log holds no such entry.
    """
    answer = _git(workspace, "log", "--format=%H", "--diff-filter=A", REF, "--", f":/{name}.json")
    commits = answer.stdout.decode().split()
    if not commits:
        raise BrokenChain(
            f"the log {REF} holds no entry {name[:12]}; wanted it, because another entry names it. Fetch the "
            f"log from where it was backed up (`git fetch REMOTE {REF}:{REF}`)"
        )
    return commits[-1]


def fetch(workspace: Path, remote: str) -> bool:
    """Take in what a git remote's log knows besides; return whether the remote has a log.

    Raises:
        InvalidWorkspace: The remote cannot be reached, or git refused.
    """
    listed = _git(workspace, "ls-remote", remote, REF).stdout
    if not listed.strip():
        return False
    _git(workspace, "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", remote, f"+{REF}:{_FETCHED}")
    theirs = _git(workspace, "rev-parse", "--verify", _FETCHED).stdout.decode().strip()
    for _ in range(_TRIES):
        standing = head(workspace)
        if standing is not None and holds(workspace, theirs):
            return True
        if standing is None:
            if _set(workspace, theirs, None):
                return True
            continue
        both = {**_tree(workspace, standing), **_tree(workspace, theirs)}
        ancestor = ["merge-base", "--is-ancestor", standing, theirs]
        if _git(workspace, *ancestor, refusable=True).returncode == 0:
            if _set(workspace, theirs, standing):
                return True
        elif _moved(workspace, standing, both, [standing, theirs], f"merge: the log of {remote}"):
            return True
    raise InvalidWorkspace(f"{REF} of {home(workspace)} keeps moving; wanted it at rest. Run it again")


def push(workspace: Path, remote: str) -> None:
    """Bring this log to a git remote, what the remote knows besides taken in first.

    Raises:
        InvalidWorkspace: The remote cannot be reached, or refused.
    """
    for attempt in range(_TRIES):
        fetch(workspace, remote)
        if head(workspace) is None:
            return
        answer = _git(workspace, "push", "--quiet", remote, f"{REF}:{REF}", refusable=attempt < _TRIES - 1)
        if answer.returncode == 0:
            return
        if b"[rejected]" not in answer.stderr and b"fetch first" not in answer.stderr:
            raise _refused(answer)


def home(workspace: Path) -> Path:
    """Return the workspace whose log this is: DVC runs experiments in repositories of their own below it."""
    parts = workspace.resolve().parts
    for place in range(len(parts) - 2):
        if parts[place : place + 3] == (".dvc", "tmp", "exps"):
            return Path(*parts[:place])
    return workspace


def _title(what: What) -> str:
    match what.kind:
        case "look":
            return f"candidate {what.candidate[:12]}, {what.outcome}"
        case "held":
            return f"{len(what.lines)} groups"
        case "earlier":
            return f"{len(what.candidates)} candidates"
        case _:
            return f"{what.repo} at {what.commit[:12]}"


def _tree(workspace: Path, commit: str) -> dict[str, str]:
    """Map the entries of a commit to their blobs."""
    answer = _git(workspace, "ls-tree", "--full-tree", "-z", f"{commit}^{{tree}}", refusable=True)
    if answer.returncode != 0:
        raise BrokenChain(
            f"the log {REF} has no commit {commit[:12]} here; wanted it, because a record names it. Fetch "
            "the log from where it was backed up (`git fetch REMOTE refs/katman/log:refs/katman/log`)"
        )
    lines = filter(None, answer.stdout.decode().split("\0"))
    parts = (line.split("\t") for line in lines)
    return {name.removesuffix(".json"): meta.split()[2] for meta, name in parts}


def _moved(
    workspace: Path, standing: str | None, tree: dict[str, str], parents: Iterable[str], message: str
) -> bool:
    """Commit a tree on top of the parents, and say whether the head could be moved to it."""
    listing = "".join(f"100644 blob {blob}\t{name}.json\0" for name, blob in sorted(tree.items()))
    made = _git(workspace, "mktree", "-z", stdin=listing.encode()).stdout.decode().strip()
    above = [word for parent in parents for word in ("-p", parent)]
    commit = _git(workspace, "commit-tree", made, *above, "-m", message).stdout.decode().strip()
    return _set(workspace, commit, standing)


def _set(workspace: Path, commit: str, standing: str | None) -> bool:
    """Move the head from where it stood, or say that it stands elsewhere by now."""
    moved = _git(workspace, "update-ref", REF, commit, standing or _NOTHING, refusable=True)
    if moved.returncode == 0:
        return True
    if head(workspace) == standing:  # nobody moved it: git cannot write
        raise _refused(moved)
    return False


def _git(
    workspace: Path, *arguments: str, stdin: bytes = b"", refusable: bool = False
) -> subprocess.CompletedProcess[bytes]:
    answer = subprocess.run(
        ["git", *arguments],
        cwd=home(workspace),
        input=stdin,
        capture_output=True,
        check=False,
        env=os.environ | _WHO | {"GIT_TERMINAL_PROMPT": "0"},  # nobody is there to answer a schedule
    )
    if answer.returncode != 0 and not refusable:
        raise _refused(answer)
    return answer


def _refused(answer: subprocess.CompletedProcess[bytes]) -> InvalidWorkspace:
    said = answer.stderr.decode(errors="replace").strip() or f"exit code {answer.returncode}"
    return InvalidWorkspace(
        f"`git {answer.args[1]}` said: {said}; wanted a git repository in which the log {REF} can be kept"
    )
