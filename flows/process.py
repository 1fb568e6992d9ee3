"""Start a step's process, pass on what it prints, and never leave it behind."""

import contextlib
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from flows.memory import Memory, Use
from flows.output import Line, Lines
from pipeline.errors import StepBrokeOff, StepFailed
from pipeline.records.failure import FAILURE_FILE, read
from pipeline.workspace import locks

_CHILD = Path(__file__).with_name("child.py")
SECONDS_TO_STOP = 40.0  # child.py gives its own children 30 of them
_SECONDS_BETWEEN_BARS = 60.0
# A shell gives 128 and the signal's number for what a signal has ended.
_OF_SIGNALS = 128


StepKind = Literal["stage", "step"]


class StepStopped(Exception):
    """Somebody asked the run to stop while a step ran; the step was ended."""


def run(
    kind: StepKind,
    name: str,
    workspace: Path,
    held: tuple[int, str],
    say: Callable[[str], None],
    stop: Callable[[], bool] = lambda: False,
    words: Sequence[str] = (),
    hear: Callable[[Line], None] = lambda line: None,
) -> None:
    """Run one step in a process of its own and wait for its end.

    Args:
        kind: Whether DVC runs it (`stage`) or it runs directly (`step`).
        name: The step.
        workspace: The folder it runs in.
        held: The open file of the workspace's lock, and its token. The process holds the file too, so that
            the workspace stays locked until a step that lost its flow has ended.
        say: Gets each line the step prints, on stdout or stderr, as it comes; of progress bars one a minute.
        stop: Asked twice a second; the step is ended as soon as it says True.
        words: Arguments of a step that is no stage.
        hear: Gets each line too, and every state of a progress bar.

    Raises:
        StepFailed: The step failed, with its own message and exit code.
        StepBrokeOff: It was killed or broke off without a message, and what is known of that.
        StepStopped: `stop` said so.
    """
    with tempfile.TemporaryDirectory() as scratch, Memory() as memory:
        failure = Path(scratch) / "failure.json"
        code, last = _watch(_start(kind, name, workspace, held, failure, words), say, stop, hear)
        said = read(failure)
        used = memory.most()
    if code != 0 and said is not None:
        raise StepFailed(said.message, said.exit_code, passing=said.passing)
    if code != 0:
        raise StepBrokeOff(reason(code, last, used))


def reason(code: int, last: str, used: Use) -> str:
    """Return why a step ended that said nothing itself.

    Args:
        code: Its exit code, as a shell or Python counts it.
        last: The last line that it printed.
        used: Memory that was in use before its end.
    """
    number = -code if code < 0 else code - _OF_SIGNALS
    if number == signal.SIGKILL:
        probably = "probably out of memory" if used.tight else "by whom nobody knows"
        return f"killed by signal 9, {probably}: {used}"
    try:
        ended = f"killed by signal {number} ({signal.Signals(number).name})"
    except ValueError:
        ended = f"broke off with exit code {code}"
    return f"{ended}, and said last: {last or 'nothing'}"


def _start(
    kind: StepKind,
    name: str,
    workspace: Path,
    held: tuple[int, str],
    failure: Path,
    words: Sequence[str] = (),
) -> subprocess.Popen[bytes]:
    lock, token = held
    return subprocess.Popen(
        [sys.executable, "-P", str(_CHILD), str(os.getpid()), kind, name, *words],
        cwd=workspace,
        env=_environment(failure) | {locks.TOKEN: token},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=[lock],
        start_new_session=True,
    )


def _watch(
    process: subprocess.Popen[bytes],
    say: Callable[[str], None],
    stop: Callable[[], bool],
    hear: Callable[[Line], None],
) -> tuple[int, str]:
    """Have a step run to its end; return its exit code, and the last line that it printed."""
    lines: queue.SimpleQueue[Line | None] = queue.SimpleQueue()
    threading.Thread(target=_end_group_after, args=[process], daemon=True).start()
    threading.Thread(target=_read, args=[process, lines], daemon=True).start()
    last, bar_said = "", time.monotonic()
    try:
        while True:
            try:
                line = lines.get(timeout=0.5)
            except queue.Empty:
                if stop():
                    raise StepStopped from None
                continue
            if line is None:
                return process.wait(), last
            hear(line)
            if not line.bar:
                last = line.text
                say(line.text)
            elif time.monotonic() - bar_said >= _SECONDS_BETWEEN_BARS and not _dull(line.text):
                bar_said = time.monotonic()
                say(line.text)
            if stop():
                raise StepStopped
    except BaseException:  # SIGTERM or Ctrl-C: nobody would watch the process any more
        _stop(process)
        raise


def _dull(bar: str) -> bool:
    """Return whether nobody wants to know how far a bar is: what it counts is written in a moment."""
    return bar.startswith("Writing model shards")


def _read(process: subprocess.Popen[bytes], found: "queue.SimpleQueue[Line | None]") -> None:
    """Cut into lines what a process prints, to its end, and put None behind them."""
    assert process.stdout is not None
    lines = Lines()
    with process.stdout as pipe:
        while content := os.read(pipe.fileno(), 1 << 16):
            for line in lines.feed(content):
                found.put(line)
    for line in lines.feed(b"", final=True):
        found.put(line)
    found.put(None)


def _environment(failure: Path) -> dict[str, str]:
    """Return the step's: `python` in dvc.yaml is this interpreter, and a failure is told in that file."""
    return os.environ | {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        # DVC runs a stage by it, and a service's user has one that lets nobody in.
        "SHELL": "/bin/sh",
        "PYTHONUNBUFFERED": "1",
        FAILURE_FILE: str(failure),
        "TQDM_MININTERVAL": "5",
    }


def _end_group_after(process: subprocess.Popen[bytes]) -> None:
    """End what a step that was killed itself has left, which would hold the pipe open and train on."""
    process.wait()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask the step to end, and kill it if it does not; to more SIGTERMs this process, which ends, is deaf."""
    with contextlib.suppress(ValueError):  # not the main thread: no signal arrives here
        signal.signal(signal.SIGTERM, lambda signum, frame: None)
    process.terminate()
    try:
        process.wait(SECONDS_TO_STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
