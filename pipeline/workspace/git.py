"""The code as git knows it: the commit that a card states, and whether the files are that commit's."""

import os
import subprocess
from pathlib import Path

from pipeline.errors import InvalidWorkspace, printable
from pipeline.workspace.paths import CODE, KEPT_IN_GIT

# Of `git rev-parse`: no repository, another owner's, damaged; a name that is not there is 1.
_FATAL = 128


def head(workspace: Path) -> str | None:
    """Return the commit that is checked out, or None where git has none yet.

    Raises:
        InvalidWorkspace: git refuses to work in this folder, with git's own words.
    """
    answer = _git(workspace, "rev-parse", "--verify", "--quiet", "HEAD")
    if answer.returncode == _FATAL:
        raise InvalidWorkspace(
            f"git refuses to work in {workspace}, and the card states the commit of the code: "
            f"{answer.stderr.strip()}"
        )
    return answer.stdout.strip() or None


def changes(workspace: Path) -> list[str]:
    """List tracked code files that differ from the commit."""
    excluded = [f":(exclude){path}" for path in KEPT_IN_GIT]
    answer = _git(workspace, "diff", "--name-only", "--relative", "HEAD", "--", ".", *excluded)
    return answer.stdout.split("\n")[:-1]


def code_changes(workspace: Path, commit: str) -> list[str]:
    """List the code's files that are not those of a commit: others, missing, or not in it and not ignored.

    The bytes on disk are compared, and not what git's index says of them: it can be told to look away.

    Raises:
        InvalidWorkspace: The repository has no such commit.
    """
    listed = _git(workspace, "ls-tree", "-r", "-z", commit, "--", *CODE)
    if listed.returncode != 0:
        raise InvalidWorkspace(
            f"commit {commit[:12]} is not in the repository of {workspace}; wanted the one of the code. "
            "Fetch it (`git fetch`), or run `dvc repro --force --single-item card`"
        )
    entries = (entry.split("\t", 1) for entry in listed.stdout.split("\0")[:-1])
    wanted = {path: facts.split()[2] for facts, path in entries}
    there = [path for path in wanted if (workspace / path).is_file()]
    # Paths on the input are git's own, from the top of the repository, and this is perhaps a folder of it.
    paths = "\n".join(str(workspace.absolute() / path) for path in there)
    hashed = _git(workspace, "hash-object", "--no-filters", "--stdin-paths", given=paths)
    _checked(hashed)
    found = dict(zip(there, hashed.stdout.split(), strict=True))
    known = _git(workspace, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *CODE)
    new = {path for path in known.stdout.split("\0")[:-1] if (workspace / path).exists()} - wanted.keys()
    return sorted(new | {path for path, blob in wanted.items() if found.get(path) != blob})


def holds(workspace: Path, path: str) -> bool:
    """Return whether the commit has a file at this path inside the workspace."""
    return _git(workspace, "cat-file", "-e", f"HEAD:./{path}").returncode == 0


def states(workspace: Path, path: str) -> list[bytes]:
    """Give what each commit of each branch, tag and stash made of a file, oldest first."""
    log = ["log", "--all", "--reverse", "--format=%H", "--diff-filter=AM", "--", path]
    commits = _git(workspace, *log).stdout.split()
    return [_git(workspace, "show", f"{commit}:./{path}").stdout.encode() for commit in commits]


def content(workspace: Path, path: str) -> bytes | None:
    """Return a file as the commit has it; None where it has none."""
    answer = _git(workspace, "show", f"HEAD:./{path}")
    return answer.stdout.encode() if answer.returncode == 0 else None


def target(workspace: Path, ref: str) -> str | None:
    """Return the commit that a ref points to; None where there is no such ref."""
    answer = _git(workspace, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
    return answer.stdout.strip() or None


def refs(workspace: Path, below: str) -> dict[str, str]:
    """Return the commits of the refs below a name, which ends in a slash, oldest first by their commit."""
    asked = ["for-each-ref", "--sort=committerdate", "--format=%(refname) %(objectname)", below]
    lines = (line.split(" ") for line in _git(workspace, *asked).stdout.splitlines())
    return {name.removeprefix(below): commit for name, commit in lines}


def added(workspace: Path, path: str) -> str | None:
    """Return the commit that brought a file; None where no commit behind this one has."""
    log = ["log", "-1", "--format=%H", "--diff-filter=A", "--", path]
    return _git(workspace, *log).stdout.strip() or None


def committers(workspace: Path, since: str | None, *files: str) -> set[str]:
    """Return names and e-mails, in small letters, of who wrote and who committed files since a commit.

    Args:
        workspace: The folder of the workspace.
        since: That commit, itself left out; None for the newest commit of these files alone.
        files: Paths, of files or folders.
    """
    which = ["-1"] if since is None else [f"{since}..HEAD"]
    shown = _git(workspace, "log", "--format=%an%n%ae%n%cn%n%ce", *which, "--", *files)
    return {line.casefold() for line in shown.stdout.splitlines() if line}


def point(workspace: Path, ref: str, commit: str) -> None:
    """Point a ref at a commit, wherever it pointed."""
    _checked(_git(workspace, "update-ref", ref, commit))


def drop(workspace: Path, ref: str) -> None:
    """Take a ref away."""
    _checked(_git(workspace, "update-ref", "-d", ref))


def push(workspace: Path, remote: str, commit: str, ref: str) -> None:
    """Bring a commit to a ref of a remote, on top of what stands there.

    Raises:
        InvalidWorkspace: The remote cannot be reached or refused, or holds what this commit does not rest on.
    """
    _checked(_git(workspace, "push", "--quiet", remote, f"{commit}:{ref}"))


def commit(workspace: Path, message: str) -> str | None:
    """Commit what the steps wrote, and nothing else; None where there is nothing new.

    Raises:
        InvalidWorkspace: git refused, for example because nobody is configured to commit.
    """
    paths = [path for path in KEPT_IN_GIT if (workspace / path).exists()]
    paths.append(":(exclude,glob)**/.*")  # what a kill in the middle of a write has left
    _checked(_git(workspace, "add", "--", *paths))
    if _git(workspace, "diff", "--cached", "--quiet", "--", *paths).returncode == 0:
        return None
    _checked(_git(workspace, "commit", "--quiet", "--message", printable(message), "--", *paths))
    return head(workspace)


def _git(workspace: Path, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"GIT_TERMINAL_PROMPT": "0"}  # nobody is there to answer a schedule
    return subprocess.run(
        ["git", *arguments],
        cwd=workspace,
        input=given,
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )


def _checked(answer: subprocess.CompletedProcess[str]) -> None:
    if answer.returncode != 0:
        raise InvalidWorkspace(f"`{' '.join(answer.args[:2])}` said: {answer.stderr.strip()}")
