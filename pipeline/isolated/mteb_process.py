"""Tasks of mteb, described and scored by mteb itself, in a process that gets vectors and no model."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InvalidData, InvalidParams, InvalidWorkspace
from pipeline.isolated import child, mteb_worker

# The extra `mteb` of pyproject.toml asks for the same.
WANTED = "mteb>=2.26,<3"
_FIRST, _BEFORE = (2, 26), (3, 0)
Role = Literal["query", "document"]
# Gives a vector per text: (texts, width).
Encode = Callable[[list[str], Role], NDArray[np.float32]]


@dataclass(frozen=True)
class Description:
    """A task as mteb describes it.

    Attributes:
        name: Its name.
        kind: Its type, as `STS`.
        metric: Its main score.
        repo: Its data set.
        revision: The data set's commit.
        subsets: All of them.
        splits: Those that it is scored on.
        reads: Which subsets of the data set: those named like the task's or beginning with such a name, the
            one that has all of them, or nobody knows.
    """

    name: str
    kind: str
    metric: str
    repo: str
    revision: str
    subsets: tuple[str, ...]
    splits: tuple[str, ...]
    reads: Literal["subsets", "default", "any"]


@dataclass(frozen=True)
class PartScore:
    """The main score of one subset and split."""

    subset: str
    split: str
    score: float


@dataclass(frozen=True)
class TaskScore:
    """What one model scores: the mean that mteb makes of the parts, and the parts."""

    score: float
    parts: tuple[PartScore, ...]


def installed() -> str:
    """Return the version of mteb.

    Raises:
        InvalidWorkspace: It is not installed, or another one than is wanted.
    """
    try:
        found = version("mteb")
    except PackageNotFoundError:
        found = "none"
    if not _FIRST <= tuple(map(int, re.findall(r"\d+", found)[:2])) < _BEFORE:
        raise InvalidWorkspace(
            f"params.yaml has a probe of kind mteb, and of mteb {found} is installed; wanted {WANTED}. Run "
            f"`{sys.executable} -m pip install '{WANTED}'`, or take the probe out"
        )
    return found


class Mteb:
    """A running process of `mteb_worker`."""

    def __init__(self, process: "subprocess.Popen[str]", room: Path) -> None:
        if process.stdin is None or process.stdout is None:
            raise ValueError("the process has no pipes")
        self._process, self._requests, self._answers = process, process.stdin, process.stdout
        self._room = room
        self._files = 0

    def kill(self) -> None:
        """End it."""
        self._process.kill()

    def close(self) -> None:
        """End it, with whatever it was not told yet."""
        self.kill()
        with contextlib.suppress(BrokenPipeError):
            self._requests.close()

    def describe(self, task: str, key: str) -> Description:
        """Return what mteb says of a task.

        Args:
            task: Name of the task.
            key: The part of params.yaml that names it, for messages.

        Raises:
            InvalidParams: mteb has no such task, or it is none that a model of texts can be scored on alone.
        """
        found = self._ask({"do": "describe", "task": task})
        known = f"mteb {version('mteb')}"
        if "unknown" in found:
            near = ", ".join(found["unknown"]) or "none comes near"
            raise InvalidParams(
                f"{key}.task is {task!r}, which is no task of {known}; wanted one that it has (near that: "
                f"{near}). Correct it"
            )
        if "parts" in found:
            raise InvalidParams(
                f"{key}.task is {task!r}, which {known} puts together from {', '.join(found['parts'])}; "
                "wanted a single task. Make a probe of each that you want"
            )
        if "modalities" in found:
            raise InvalidParams(
                f"{key}.task is {task!r}, which is of {' and '.join(found['modalities'])}; wanted a task of "
                "text alone. Name another one"
            )
        if "failed" in found or "ended" in found:
            why = found.get("failed", found.get("ended"))
            raise InvalidWorkspace(
                f"{known} cannot be used: {why}; wanted {WANTED}. Install another version of it"
            )
        return Description(**found | {name: tuple(found[name]) for name in ("subsets", "splits")})

    def score(
        self,
        task: str,
        folder: Path,
        encode: Encode,
        *,
        subsets: Sequence[str],
        splits: Sequence[str],
        key: str,
    ) -> TaskScore:
        """Have a task scored.

        Args:
            task: Name of the task.
            folder: Its data set, as `pin` left it.
            encode: Is asked for the vectors.
            subsets: Of the task.
            splits: Of its data set.
            key: The part of params.yaml that names the task, for messages.

        Raises:
            InvalidData: mteb cannot score the task on these files.
            InvalidWorkspace: Its process ended before it had.
        """
        request = {"task": task, "folder": str(folder.resolve()), "subsets": subsets, "splits": splits}
        found = self._ask(request | {"do": "score"}, encode)
        if "ended" in found:
            raise InvalidWorkspace(
                f"{key}: the process of mteb {version('mteb')} did not live to score {task}: "
                f"{found['ended']}. Run it again, with more memory if it ends like that once more"
            )
        if "failed" in found:
            said = found["failed"].replace(str(folder.resolve()), folder.name)
            raise InvalidData(
                f"{key}: mteb {version('mteb')} cannot score its task {task} on this data set: {said}; "
                "wanted the subsets, splits and columns that the task reads. Pin the commit that mteb names, "
                "or another task"
            )
        return TaskScore(found["score"], tuple(PartScore(**one) for one in found["scores"]))

    def _ask(self, request: dict[str, Any], encode: Encode | None = None) -> dict[str, Any]:
        """Send a request, give the vectors that are asked for in between, and return the answer."""
        self._send(request)
        while True:
            found = self._receive()
            if encode is None or "encode" not in found:
                return found
            self._files += 1
            path = self._room / f"{self._files}.npy"
            np.save(path, encode(found["encode"], found["role"]), allow_pickle=False)
            self._send({"vectors": str(path)})

    def _send(self, message: dict[str, Any]) -> None:
        with contextlib.suppress(BrokenPipeError):  # which the missing answer says
            self._requests.write(json.dumps(message) + "\n")
            self._requests.flush()

    def _receive(self) -> dict[str, Any]:
        line = self._answers.readline()
        if line:
            answer: dict[str, Any] = json.loads(line)
            return answer
        said = (self._room / "said").read_text(encoding="utf-8", errors="replace").strip().splitlines()
        code = self._process.wait()
        killed = "; what is killed has mostly run out of memory" if code == -signal.SIGKILL else ""
        return {"ended": f"it ended with {code}: {said[-1] if said else 'it said nothing'}{killed}"}


@contextmanager
def running(threads: int | None = None) -> Iterator[Mteb]:
    """Run mteb's process: without token, offline and on the CPU, in a folder that is gone with it.

    Args:
        threads: Of one operation of it; None leaves that to its libraries.

    Raises:
        InvalidWorkspace: mteb is not installed.
    """
    installed()
    with tempfile.TemporaryDirectory(prefix="katman-mteb-") as name:
        room = Path(name).resolve()
        settings = {"CUDA_VISIBLE_DEVICES": ""}
        if threads is not None:
            settings["OMP_NUM_THREADS"] = str(threads)
        with (
            (room / "said").open("wb") as said,
            subprocess.Popen(
                [sys.executable, "-P", str(Path(mteb_worker.__file__).resolve()), str(os.getpid())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                cwd=room,
                env=child.environment(room) | settings,
                text=True,
                encoding="utf-8",
            ) as process,
        ):
            try:
                mteb = Mteb(process, room)
                yield mteb
            finally:
                mteb.close()
