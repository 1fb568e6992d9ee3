"""A step that DVC started ends with it, however DVC's process ends: an orphan would train on and win."""

import contextlib
import os
import signal
import sys
import threading
import time

import psutil  # type: ignore[import-untyped]

# DVC sets it for each command of a stage.
_OF_DVC = "DVC_STAGE"
# DVC runs a command in one, which may stay between the two.
_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "fish", "busybox"})
_SECONDS_BETWEEN_LOOKS = 0.5
_SECONDS_TO_STOP = 30.0  # a step of a training and its checkpoint


def follow() -> None:
    """End this process and those below it when DVC's process, where one started this, is gone."""
    if _OF_DVC not in os.environ:
        return
    above = _above()
    threading.Thread(target=_watch, args=[above], daemon=True).start()


def _above() -> list[psutil.Process]:
    """Return the process that started this one, and where that is a shell, what started the shell too."""
    found: list[psutil.Process] = []
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process().parent()
        while process is not None:
            found.append(process)
            process = process.parent() if process.name() in _SHELLS else None
    return found


def _watch(above: list[psutil.Process]) -> None:
    """Wait until DVC's process is gone, or a shell below it for so long that DVC does not end the step."""
    if not above:
        return
    *shells, dvc = above
    alone: float | None = None
    while _runs(dvc) and (alone is None or time.monotonic() - alone < _SECONDS_TO_STOP):
        if alone is None and not all(map(_runs, shells)):
            alone = time.monotonic()
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    _end()


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _end() -> None:
    """Ask this process and those below it to end, and kill what does not."""
    with contextlib.suppress(OSError):  # whoever read it may be gone too
        sys.stderr.write("the process of DVC that started this step is gone: the step ends\n")
    this = psutil.Process()
    processes = [*this.children(recursive=True), this]
    for process in processes:
        _send(process, signal.SIGTERM)
    time.sleep(_SECONDS_TO_STOP)
    for process in processes:
        _send(process, signal.SIGKILL)


def _send(process: psutil.Process, which: signal.Signals) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(which)
