"""What is asked of DVC beside `dvc repro`: to bring what it keeps to a remote and back, and to forget."""

import subprocess
import sys
from pathlib import Path

from pipeline.errors import InvalidWorkspace, first_line

# What `dvc gc` leaves: what the workspace, each branch, each commit with a tag and each experiment names.
_KEPT = ("--workspace", "--all-branches", "--all-tags", "--all-experiments", "--force")
_REMOVING = "Removing "


def push(workspace: Path, remote: str) -> None:
    """Bring what this commit and each commit with a tag name to a remote, and see that it is there.

    What lies on the remote and no longer here stays there. `dvc push --remote NAME --all-tags` of DVC 3
    pushes and then fails where that remote is not the default one, so its own parts are called.

    Args:
        workspace: The folder of the workspace.
        remote: A DVC remote, by name.

    Raises:
        InvalidWorkspace: DVC could not push, or the remote lacks something afterwards.
    """
    from dvc.repo import Repo  # seconds, for a release alone

    asked = f"pushing to the DVC remote {remote}"
    try:
        with Repo(str(workspace)) as repo:
            # A tag whose files are nowhere any more, or on the remote alone, has nothing to push.
            tagged = repo.used_objs(all_tags=True, remote=remote, skip_failed=True)
            here = repo.used_objs(remote=remote)
            wanted = {one for used in (tagged, here) for names in used.values() for one in names}
            failed = repo.cloud.push(wanted, remote=remote).failed
            there = repo.cloud.status(wanted, remote=remote)
    except Exception as error:  # each kind of remote raises what its own library raises
        raise InvalidWorkspace(f"{asked} failed: {first_line(error)}") from None
    lacking = failed | there.new | there.missing
    if lacking:
        names = sorted({one.obj_name.partition("/")[0] for one in lacking if one.obj_name})
        raise InvalidWorkspace(
            f"{asked} left out {len(lacking)} files of {', '.join(names) or 'earlier releases'}; wanted all "
            "of them there. `dvc status --cloud` says which"
        )


def pull(workspace: Path, remote: str) -> None:
    """Bring what this commit names from a remote into the workspace.

    Raises:
        InvalidWorkspace: The remote cannot be reached or lacks something, or a file here is in the way.
    """
    _run(workspace, "pull", "--quiet", "--remote", remote)


def unused(workspace: Path) -> list[Path]:
    """Return the files of the cache that nothing names which is kept; nothing is removed."""
    return _removing(_run(workspace, "gc", "--dry", *_KEPT))


def forget(workspace: Path) -> None:
    """Remove these files."""
    _run(workspace, "gc", *_KEPT)


def _removing(said: str) -> list[Path]:
    lines = (line for line in said.splitlines() if line.startswith(_REMOVING))
    return [Path(line.removeprefix(_REMOVING)) for line in lines]


def _run(workspace: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "dvc", *arguments]
    answer = subprocess.run(command, cwd=workspace, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        said = answer.stderr.strip().splitlines() or [f"exit code {answer.returncode}"]
        asked = " ".join(one for one in arguments if one != "--quiet")
        raise InvalidWorkspace(f"`dvc {asked}` said: {said[0]}")
    return answer.stdout
