"""One run at a time on one workspace, also when two servers or a person start it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.errors import InvalidWorkspace


@contextmanager
def hold(workspace: Path) -> Iterator[int]:
    """Lock a workspace for as long as the block runs.

    Args:
        workspace: A folder with a `.dvc`.

    Yields:
        The lock's open file, for a child process to hold too.

    Raises:
        InvalidWorkspace: The folder is no DVC repository, or another run holds its lock.
    """
    if not (workspace / ".dvc").is_dir() or not (workspace / "dvc.yaml").is_file():
        raise InvalidWorkspace(f"{workspace} is not a workspace: it has no .dvc folder or no dvc.yaml")
    path = workspace / ".dvc" / "tmp" / "retrain.lock"
    path.parent.mkdir(exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise InvalidWorkspace(
                f"another run (process {file.read().strip() or 'unknown'}) works on {workspace}: "
                "wait until it has ended, or stop it"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield file.fileno()
