"""A scratch workspace: this project's files in a git repository of their own, started by `katman init`."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
# What the production workspace has left of its own runs.
_LEFT_BY_RUNS = (
    "records/",
    "receipts/",
    ".dvc/",
    "dvc.lock",
    "curves.csv",
    ".dvcignore",
    "sample/params.yaml",
)


class SampleError(Exception):
    """The sample cannot go on; the message says why and what to do."""


def files(project: Path) -> list[str]:
    """List the project's files as they stand, also those that are not committed yet.

    Raises:
        SampleError: The project is no git repository.
    """
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    answer = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        raise SampleError(f"{project} is no git repository ({answer.stderr.strip()}); clone it with git")
    names = answer.stdout.split("\0")[:-1]
    return [name for name in names if (project / name).is_file() and not name.startswith(_LEFT_BY_RUNS)]


def make(folder: Path, env: Mapping[str, str], project: Path = PROJECT) -> None:
    """Make the workspace, as a fork of the project; it must not exist yet.

    Args:
        folder: Where.
        env: The environment of git and DVC.
        project: Where the files come from.
    """
    for name in files(project):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(project / name, folder / name)
    run = partial(_run, folder, env)
    run("git", "-c", "init.defaultBranch=main", "init", "--quiet")
    run("git", "config", "user.name", "katman sample")
    run("git", "config", "user.email", "sample@localhost")
    run(sys.executable, "-m", "dvc", "init", "--quiet")


def start(folder: Path, params: str, env: Mapping[str, str]) -> str:
    """Give the workspace its `params.yaml`, and commit all of it; returns the commit it starts from."""
    (folder / "params.yaml").write_text(params, encoding="utf-8")
    run = partial(_run, folder, env)
    run("git", "add", ".")
    run("git", "commit", "--quiet", "--message", "Start the sample")
    return run("git", "rev-parse", "HEAD")


def _run(folder: Path, env: Mapping[str, str], *command: str) -> str:
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SampleError(f"`{' '.join(command)}` failed in {folder}: {(done.stderr or done.stdout).strip()}")
    return done.stdout.strip()
