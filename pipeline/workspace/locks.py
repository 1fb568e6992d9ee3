"""One writer at a time: who holds a workspace says so in its lock, and whoever comes second refuses or waits.

There are two locks. `work` is for what changes records, models and params.yaml: a run of the flow holds it
from the first step to the last, a step that is run by hand while it runs. `main` is for the minutes in which
the Hub's main, receipts and approvals change, so that a rollback never waits for a training. The system
frees a lock when its holder ends, however that happens.
"""

import contextlib
import fcntl
import json
import os
import platform
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TextIO

from pipeline.errors import WorkspaceHeld

Kind = Literal["work", "main"]
# Called each second with whom is waited for, and for how long; raises to give up.
Waiting = Callable[["Holder", float], None]

# Which steps take which: `work` is refused while a run goes on, `main` is waited for.
TAKEN: dict[str, tuple[Kind, ...]] = {
    **dict.fromkeys(("init", "upgrade", "refresh", "restore", "clean", "join"), ("work",)),
    **dict.fromkeys(("pin", "audit", "train", "evaluate", "gate", "card"), ("work",)),
    "release": ("work", "main"),
    **dict.fromkeys(("approve", "reject", "rollback", "deployed", "adopt"), ("main",)),
}
# Where 0.1 has its one lock: a run of it that was started before an upgrade is seen.
_FILES: dict[Kind, str] = {"work": "retrain.lock", "main": "main.lock"}
# Names the work lock that this process works for, as the process that holds it told it.
TOKEN = "KATMAN_HELD"
_SECONDS_BETWEEN_LOOKS = 1.0
_SECONDS_BETWEEN_LINES = 60.0


@dataclass(frozen=True)
class Holder:
    """Who holds a lock.

    Attributes:
        pid: Its process; 0 where nobody knows.
        verb: What it does: a step's name.
        since: ISO time.
        token: What tells this hold from all others.
    """

    pid: int
    host: str
    verb: str
    since: str
    token: str

    def __str__(self) -> str:
        """Return how a message names it."""
        if not self.pid:
            return "a process that has not said who it is"
        return f"`{self.verb}` (process {self.pid} on {self.host}, since {self.since})"


@contextmanager
def hold(
    workspace: Path, verb: str, kind: Kind = "work", waiting: Waiting | None = None
) -> Iterator[tuple[int, str] | None]:
    """Lock a workspace for as long as the block runs.

    Args:
        workspace: The folder of the workspace. One that is not DVC's has nothing to lock yet.
        verb: What the holder does.
        kind: Which of the two locks.
        waiting: Waits for whoever holds it; None refuses at once.

    Yields:
        The lock's open file, for a child process to hold too, and its token, for the child's environment.
        None where this process works for the holder.

    Raises:
        WorkspaceHeld: Somebody else holds it.
    """
    folder = workspace / ".dvc" / "tmp"
    if not folder.parent.is_dir():
        yield None
        return
    folder.mkdir(exist_ok=True)
    told = os.environ.get(TOKEN, "") if kind == "work" else ""
    with hold_file(folder / _FILES[kind], verb, str(workspace), waiting, told) as held:
        yield held


@contextmanager
def hold_file(
    path: Path, verb: str, what: str, waiting: Waiting | None = None, told: str = ""
) -> Iterator[tuple[int, str] | None]:
    """Lock one file for as long as the block runs, as `hold` does.

    Args:
        path: The file; it is made where it is not there, and stays.
        verb: What the holder does.
        what: What the lock is for, for a message.
        waiting: Waits for whoever holds it; None refuses at once.
        told: The token of a hold that this process works for.

    Raises:
        WorkspaceHeld: Somebody else holds it.
    """
    with _open(path) as file:
        begin = time.monotonic()
        while not _locked(file):
            holder = _read(file)
            if told and told == holder.token:
                yield None
                return
            if waiting is None:
                raise WorkspaceHeld(
                    f"{holder} works on {what}; wanted one writer at a time. Wait until it has ended, or "
                    "stop it"
                )
            waiting(holder, time.monotonic() - begin)
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        mine = Holder(os.getpid(), platform.node(), verb, now, secrets.token_hex(8))
        _write(file, json.dumps(asdict(mine)))
        try:
            yield file.fileno(), mine.token
        finally:
            _write(file, "")


def holder(workspace: Path, kind: Kind = "work") -> Holder | None:
    """Return who holds a lock now; None where nobody does."""
    try:
        file = (workspace / ".dvc" / "tmp" / _FILES[kind]).open("r", encoding="utf-8")
    except FileNotFoundError:
        return None
    with file:
        return None if _locked(file) else _read(file)


def saying(say: Callable[[str], None]) -> Waiting:
    """Return what waits with a line at first, and one more each minute, that names the holder."""
    said: list[float] = []

    def wait(holder: Holder, seconds: float) -> None:
        if not said or seconds - said[-1] >= _SECONDS_BETWEEN_LINES:
            said.append(seconds)
            say(f"waits for {holder}, {seconds / 60:.0f} minutes so far")

    return wait


def _open(path: Path) -> TextIO:
    """Open a lock's file, also another user's: for everybody to read and to write, whatever the umask is."""
    try:
        handle = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        with contextlib.suppress(PermissionError):  # somebody else made it meanwhile
            os.fchmod(handle, 0o666)
    return os.fdopen(handle, "r+", encoding="utf-8")


def _locked(file: TextIO) -> bool:
    """Take a lock, if it is free; whoever only looks has it for a moment."""
    for _ in range(3):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.05)
        else:
            return True
    return False


def _read(file: TextIO) -> Holder:
    file.seek(0)
    content = file.read().strip()
    try:
        return Holder(**json.loads(content))
    except (ValueError, TypeError):  # being written, or as 0.1 writes it: the process alone
        return Holder(int(content) if content.isdecimal() else 0, platform.node(), "retrain", "unknown", "")


def _write(file: TextIO, content: str) -> None:
    file.seek(0)
    file.truncate()
    file.write(content)
    file.flush()
