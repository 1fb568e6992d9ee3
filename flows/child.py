"""The process that runs one step for the flow and never outlives it.

`python -P child.py PARENT stage NAME` reproduces one DVC stage, `python -P child.py PARENT step NAME …`
runs a step that is no stage, with its arguments. It runs in the workspace's folder and imports no project
code: what the step runs is the workspace's own copy.
"""

import contextlib
import ctypes
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import psutil  # type: ignore[import-untyped]

SECONDS_TO_STOP = 30.0
_PR_SET_PDEATHSIG = 1
_step_ended = threading.Event()
_ender = threading.Thread(target=lambda: end_children(), daemon=True)


def end_with_parent() -> None:
    """Arrange that this process gets a SIGTERM when its parent dies, however it dies."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def follow(parent: int) -> None:
    """End with the flow.

    Args:
        parent: The process id of the flow; it may be gone already.
    """
    end_with_parent()
    if os.getppid() != parent:
        raise SystemExit(f"the flow (process {parent}) ended before its step began")


def end_children() -> None:
    """End every process below this one, also those that start meanwhile; return when none is left.

    Each gets one SIGTERM, and a SIGKILL after `SECONDS_TO_STOP`: a step's own clean-up must not be cut
    short by a second signal. DVC then sees its command fail and cleans up by itself. What lies below a shell
    that ends at once (DVC runs a command by `$SHELL`, and not every shell becomes its one command) is no
    longer below this process, and still waited for.
    """
    told: dict[psutil.Process, float] = {}
    this = psutil.Process()
    while True:
        for process in this.children(recursive=True):
            if process not in told:
                told[process] = time.monotonic()
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.terminate()
        left = [process for process in told if _runs(process)]
        if not left and _step_ended.is_set():
            return
        for process in left:
            if time.monotonic() - told[process] > SECONDS_TO_STOP:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
        time.sleep(0.1)


def _runs(process: psutil.Process) -> bool:
    """Return whether a process has not ended; one that nobody has waited for yet has."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def on_sigterm(signum: int, frame: object) -> None:
    """Stop at the first SIGTERM and ignore all others: two during clean-up left DVC's rwlock empty."""
    if _ender.ident is None:
        _ender.start()


def run_step(name: str, words: Sequence[str]) -> int:
    """Run a step that is no DVC stage.

    Args:
        name: A step that `katman --help` lists.
        words: Its arguments.

    Returns:
        The step's exit code, as a shell counts it: 128 and the signal's number where a signal ended the step.
    """
    return counted(subprocess.call([sys.executable, "-m", "pipeline", name, *words]))


def counted(code: int) -> int:
    """Return an exit code as a shell counts it: 128 and the number of the signal that ended a process."""
    return code if code >= 0 else 128 - code


def run_stage(name: str) -> int:
    """Reproduce one DVC stage of the workspace in the current folder, without those before it.

    Args:
        name: A stage of `dvc.yaml`.

    Returns:
        0, or the exit code of the stage's own command, as a shell counts it, which then has said why; or 1,
        where this process says it for DVC, in the same file.
    """
    import dvc.stage.run
    from dvc.exceptions import DvcException, ReproductionError
    from dvc.lock import LockError
    from dvc.repo import Repo
    from dvc.stage.exceptions import StageCmdFailedError

    class Failed(StageCmdFailedError):  # type: ignore[misc]
        """The failure of a stage's command that keeps its exit code: DVC 3.67 has it in the message alone."""

        def __init__(self, cmd: object, status: int | None = None) -> None:
            super().__init__(cmd, status)
            self.status = status or 1

    dvc.stage.run.StageCmdFailedError = Failed

    logging.getLogger("dvc").setLevel(logging.INFO)
    logging.getLogger("dvc.repo.scm_context").setLevel(logging.WARNING)  # its hint to run `git add` each time
    try:
        with Repo() as repo:
            repo.reproduce(name, single_item=True)
    except DvcException as error:
        cause = error.__cause__ if isinstance(error, ReproductionError) else error
        if isinstance(cause, Failed):
            return counted(cause.status)
        if not isinstance(cause, StageCmdFailedError):
            message = f"DVC: {cause or error}"
            sys.stdout.write(f"{message}\n")
            said = {
                "step": name,
                "error": type(cause or error).__name__,
                "exit_code": 1,
                "message": message,
                "passing": isinstance(cause, LockError),
            }
            Path(os.environ["KATMAN_FAILURE"]).write_text(json.dumps(said), encoding="utf-8")
        return 1
    return 0


def main() -> int:
    """Run what the flow asked for.

    Returns:
        The exit code: 143 when the flow went away or asked to stop.
    """
    parent, kind, name, *words = sys.argv[1:]
    signal.signal(signal.SIGTERM, on_sigterm)
    follow(int(parent))
    code = run_stage(name) if kind == "stage" else run_step(name, words)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # nothing is left to end but this process
    if _ender.ident is None:
        return code
    _step_ended.set()
    _ender.join()
    return 128 + signal.SIGTERM


if __name__ == "__main__":
    sys.exit(main())
