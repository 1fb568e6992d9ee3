"""Which runs of a workspace live: each holds a file of its own locked until its process ends.

Prefect's server keeps a run *Running* whose machine died. The system frees a dead process's locks, also in a
reboot, so that whoever comes next can tell the dead from those who wait. The file also keeps how the run
ended, for a server that was away when the run wanted to tell it.
"""

import fcntl
import json
import os
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TextIO

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from pipeline.errors import DISK_FULL
from pipeline.workspace.files import write_text


def _aware(time: str) -> str:
    """Return a time that can be counted with; a damaged file holds others."""
    if datetime.fromisoformat(time).tzinfo is None:
        raise ValueError(f"{time} has no time zone")
    return time


Time = Annotated[str, AfterValidator(_aware)]
# It names files.
Run = Annotated[str, Field(pattern=r"^[0-9a-f-]{1,36}$")]


@dataclass(frozen=True)
class Life:
    """One run of the flow.

    Attributes:
        run: Its id at Prefect's server.
        began: ISO time, with `ended`.
        step: The last one that began.
        ended: None while it runs, and where it was cut off.
        type: With `name` and `message` its end, as Prefect calls it; None until then.
    """

    run: Run
    began: Time
    step: str | None = None
    ended: Time | None = None
    type: str | None = None
    name: str | None = None
    message: str | None = None


_LIFE = TypeAdapter(Life)


class Lifeline:
    """The file of the run that goes on in this process; it stays locked until the process ends."""

    def __init__(self, workspace: Path, run: str) -> None:
        self._folder = _folder(workspace)
        self._folder.mkdir(parents=True, exist_ok=True)
        # Never closed: the lock says that the process lives.
        fcntl.flock(os.open(self._folder / f"{run}.lock", os.O_RDWR | os.O_CREAT), fcntl.LOCK_EX)
        self._life = Life(run, _now())
        self._write()

    def at(self, step: str) -> None:
        """Note that a step begins."""
        self._life = replace(self._life, step=step)
        self._write()

    def end(self, type: str, name: str, message: str) -> None:
        """Note how the run ended."""
        self._life = replace(self._life, ended=_now(), type=type, name=name, message=message)
        self._write()

    def _write(self) -> None:
        content = dump(self._life)
        names = [f"{self._life.run}.json", "last", *(["done"] if self._life.type == "COMPLETED" else [])]
        for name in names:
            try:
                write_text(self._folder / name, content)
            except OSError as error:  # a run does not end for what is noted of it
                if error.errno not in DISK_FULL:
                    raise


def dump(life: Life) -> str:
    """Return a run as its file holds it."""
    return json.dumps(asdict(life), indent=1, ensure_ascii=False)


def last(workspace: Path) -> Life | None:
    """Return the run that wrote last; None where there was none."""
    return _read(_folder(workspace) / "last")


def done(workspace: Path) -> datetime | None:
    """Return when a run ended well for the last time; None where none has."""
    life = _read(_folder(workspace) / "done")
    return datetime.fromisoformat(life.ended) if life is not None and life.ended is not None else None


def lives(workspace: Path, run: str) -> bool:
    """Return whether the process of a run is there."""
    try:
        file = (_folder(workspace) / f"{run}.lock").open("r", encoding="utf-8")
    except FileNotFoundError:
        return False
    with file:
        return not _free(file)


def began(workspace: Path, run: str) -> bool:
    """Return whether a run began here, and nobody has forgotten it."""
    return (_folder(workspace) / f"{run}.json").is_file()


def dead(workspace: Path) -> list[Life]:
    """Return the runs whose process is gone, and that nobody has forgotten yet."""
    found = [_read(path) for path in sorted(_folder(workspace).glob("*.json"))]
    return [one for one in found if one is not None and not lives(workspace, one.run)]


def forget(workspace: Path, run: str) -> None:
    """Remove the file of a run that nobody needs to be told of any more."""
    for ending in ("json", "lock"):
        (_folder(workspace) / f"{run}.{ending}").unlink(missing_ok=True)


def _folder(workspace: Path) -> Path:
    return workspace / ".dvc" / "tmp" / "runs"


def _free(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(path: Path) -> Life | None:
    try:
        return _LIFE.validate_json(path.read_bytes(), strict=True)
    except (FileNotFoundError, ValidationError):
        return None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
