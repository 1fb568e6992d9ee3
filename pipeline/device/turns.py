"""Whose turn it is on a GPU: two workspaces that train on one at a time would run out of its memory."""

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pipeline.workspace import locks

# The steps that fill a device.
STEPS = ("train", "evaluate", "join")


@contextmanager
def hold(step: str, workspace: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Wait for each GPU that this process may use, and keep all of them for as long as the block runs.

    They are locked for the whole machine, in one order, so that two processes never wait for each other.

    Args:
        step: What is done.
        workspace: Where.
        say: Gets a line at first and each minute, while another process is waited for.
    """
    with ExitStack() as held:
        for name in visible(os.environ, listed()):
            waiting = locks.saying(say)
            held.enter_context(
                locks.hold_file(_file(name), f"{step} of {workspace} on {name}", name, waiting)
            )
        yield


def listed() -> list[str]:
    """Return the names of this machine's GPUs, in the driver's order; none where there is no driver."""
    command = ["nvidia-smi", "--query-gpu=uuid", "--format=csv,noheader"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return []
    return answer.stdout.split() if answer.returncode == 0 else []


def visible(environment: Mapping[str, str], names: list[str]) -> list[str]:
    """Return those GPUs that CUDA shows to a process, by name.

    Args:
        environment: The process's; `CUDA_VISIBLE_DEVICES` counts.
        names: What `listed` returns.

    Example:
        >>> visible({"CUDA_VISIBLE_DEVICES": "1"}, ["GPU-a", "GPU-b"])
        ['GPU-b']
        >>> visible({}, ["GPU-b", "GPU-a"])
        ['GPU-a', 'GPU-b']
    """
    asked = environment.get("CUDA_VISIBLE_DEVICES")
    if asked is None or not names:
        return sorted(names)
    found: set[str] = set()
    for one in filter(None, (word.strip() for word in asked.split(","))):
        if one.isdecimal():
            if int(one) >= len(names):
                break  # CUDA shows nothing behind a number that is none
            found.add(names[int(one)])
        elif one.startswith("-"):
            break
        else:  # the beginning of a name; a part of a GPU (MIG) is listed nowhere and has its own
            found |= {name for name in names if name.startswith(one)} or {one}
    return sorted(found)


def _file(name: str) -> Path:
    """Return the lock of a GPU: where every user of this machine finds it, and a reboot empties it."""
    folder = Path("/run/lock")
    place = folder if os.access(folder, os.W_OK) else Path(tempfile.gettempdir())
    return place / f"katman-{name.replace(os.sep, '-')}.lock"
