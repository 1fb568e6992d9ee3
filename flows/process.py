"""Start a step's process, pass on what it prints, and never leave it behind."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from pipeline.errors import StepFailed
from pipeline.records.failure import FAILURE_FILE, read

_CHILD = Path(__file__).with_name("child.py")
_SECONDS_TO_STOP = 20.0  # child.py gives its own children 10 of them
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


StepKind = Literal["stage", "step"]


def run(kind: StepKind, name: str, workspace: Path, lock: int, say: Callable[[str], None]) -> None:
    """Run one step in a process of its own and wait for its end.

    Args:
        kind: Whether DVC runs it (`stage`) or it runs directly (`step`).
        name: The step.
        workspace: The folder it runs in.
        lock: The open file of the workspace's lock: the process holds it too, so that it stays locked until
            a step that lost its flow has ended.
        say: Gets each line the step prints, on stdout or stderr, as it comes.

    Raises:
        StepFailed: The step failed, with its own message and exit code; or it was killed or broke off
            without a message, and then with the last line that it printed.
    """
    with tempfile.TemporaryDirectory() as scratch:
        failure = Path(scratch) / "failure.json"
        code, last = _watch(kind, name, workspace, lock, say, failure)
        said = read(failure)
    if code != 0 and said is not None:
        raise StepFailed(said.message, said.exit_code, passing=said.passing)
    if code != 0:  # nobody knows why
        message = f"ended with exit code {code}, and said last: {last or 'nothing'}"
        raise StepFailed(message, passing=True)


def _watch(
    kind: StepKind, name: str, workspace: Path, lock: int, say: Callable[[str], None], failure: Path
) -> tuple[int, str]:
    """Have a step run to its end; return its exit code, and the last line that it printed."""
    command = [sys.executable, "-P", str(_CHILD), str(os.getpid()), kind, name]
    process = subprocess.Popen(
        command,
        cwd=workspace,
        env=_environment(failure),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        pass_fds=[lock],
        start_new_session=True,
    )
    assert process.stdout is not None
    threading.Thread(target=_end_group_after, args=[process], daemon=True).start()
    last = ""
    try:
        with process.stdout as lines:
            for line in lines:
                if text := _CONTROL.sub("", line).rstrip():
                    last = text
                    say(text)
        return process.wait(), last
    except BaseException:  # SIGTERM or Ctrl-C: nobody would watch the process any more
        _stop(process)
        raise


def _environment(failure: Path) -> dict[str, str]:
    """Return the step's: `python` in dvc.yaml is this interpreter, and a failure is told in that file."""
    return os.environ | {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        "PYTHONUNBUFFERED": "1",
        FAILURE_FILE: str(failure),
        "TQDM_MININTERVAL": "5",  # each redraw of a progress bar becomes a line of the log
    }


def _end_group_after(process: subprocess.Popen[str]) -> None:
    """End what a step that was killed itself has left, which would hold the pipe open and train on."""
    process.wait()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _stop(process: subprocess.Popen[str]) -> None:
    """Ask the step to end, and kill it if it does not; further SIGTERMs are ignored meanwhile."""
    with contextlib.suppress(ValueError):  # not the main thread: no signal arrives here
        signal.signal(signal.SIGTERM, lambda signum, frame: None)
    process.terminate()
    try:
        process.wait(_SECONDS_TO_STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
