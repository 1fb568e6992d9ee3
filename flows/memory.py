"""How much memory was in use lately, for whoever must say why a process was killed."""

import threading
import time
from collections import deque
from pathlib import Path
from typing import NamedTuple

import psutil  # type: ignore[import-untyped]

_SECONDS_BETWEEN_LOOKS = 1.0
_LOOKS = 30
# The system kills before all of it is in use.
_TIGHT = 0.9
_GIB = 1 << 30


class Use(NamedTuple):
    """Bytes in use, and those there are: of this process's cgroup where that is limited, else all."""

    used: int
    total: int

    @property
    def tight(self) -> bool:
        """Return whether little enough was left for the system to kill somebody."""
        return self.used >= _TIGHT * self.total

    def __str__(self) -> str:
        """Return it as a message says it."""
        return f"{self.used / _GIB:.1f} of {self.total / _GIB:.1f} GiB were in use"


class Memory:
    """Looks each second, in a thread, from `with` to its end."""

    def __init__(self) -> None:
        self._looks: deque[Use] = deque(maxlen=_LOOKS)
        self._ended = threading.Event()

    def __enter__(self) -> "Memory":
        """Begin to look."""
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop looking."""
        self._ended.set()

    def most(self) -> Use:
        """Return the most that was in use in the last half minute."""
        return max([*self._looks, now()])

    def _watch(self) -> None:
        while not self._ended.is_set():
            self._looks.append(now())
            time.sleep(_SECONDS_BETWEEN_LOOKS)


def now() -> Use:
    """Return what is in use now."""
    machine = psutil.virtual_memory()
    whole = Use(machine.total - machine.available, machine.total)
    group = _cgroup()
    return group if group is not None and group.total < whole.total else whole


def _cgroup() -> Use | None:
    """Return what this process's cgroup (v2) uses of its limit; None without one."""
    try:
        path = Path("/proc/self/cgroup").read_text("ascii").strip().rpartition("::")[2]
        folder = Path("/sys/fs/cgroup", path.lstrip("/"))
        if not (folder / "memory.max").exists():  # inside a container, whose own is the root
            folder = Path("/sys/fs/cgroup")
        total = int((folder / "memory.max").read_text("ascii"))
        used = int((folder / "memory.current").read_text("ascii"))
        stat = (folder / "memory.stat").read_text("ascii").split()
    except (OSError, ValueError):
        return None
    parts = dict(zip(stat[::2], stat[1::2], strict=False))
    return Use(used - int(parts.get("inactive_file", 0)), total)  # cached files are given back when asked
