"""What such a process does to itself first: it ends with its parent, and asks nobody.

Imported in the process, so that nothing but Python's own library is imported here.
"""

import ctypes
import os
import signal
import sys
from typing import Any

# Where a process that `child.ask` started leaves its answer, in its own folder.
ANSWER = "answer.json"
_PR_SET_PDEATHSIG = 1


def enter(parent: int) -> None:
    """Do both: `follow` the parent, and have `ask_nobody` called."""
    follow(parent)
    sys.addaudithook(ask_nobody)


def follow(parent: int) -> None:
    """Arrange that this process is killed when its parent dies, however it dies.

    Args:
        parent: The parent's process id; it may be gone already.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise SystemExit(f"the step (process {parent}) ended before it was answered")


def ask_nobody(event: str, arguments: tuple[Any, ...]) -> None:
    """Refuse every connection that Python code of this process opens; an audit hook.

    Args:
        event: What is about to happen, in the names of `sys.audit`.
        arguments: Of that.
    """
    if event in {"socket.connect", "socket.getaddrinfo", "socket.sendto"}:
        raise PermissionError(f"{event}: reading files needs nobody's answer")
