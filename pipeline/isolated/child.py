"""A process for what strangers made: no token, no network, a folder of its own, gone with its parent."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from pipeline.isolated.confinement import ANSWER, LIMITS, UNSEEN, stored_tokens

_PROJECT = Path(__file__).resolve().parents[2]
# What a process needs to start at all; a token, a proxy or a path to credentials is none of it.
_KEPT = (
    "PATH",
    "PYTHONHOME",
    "PYTHONDONTWRITEBYTECODE",
    "LD_LIBRARY_PATH",
    "SYSTEMROOT",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "OMP_NUM_THREADS",
)


@dataclass(frozen=True)
class Limits:
    """What such a process may take.

    Attributes:
        seconds: From its start to its answer.
        memory_bytes: That it may write to; None is what is free now, swap included.
        file_bytes: Of one file that it writes.
    """

    seconds: float
    memory_bytes: int | None
    file_bytes: int

    def said(self) -> str:
        """Return the variable that tells the process."""
        free = int(psutil.virtual_memory().available + psutil.swap_memory().free)
        memory = free if self.memory_bytes is None else self.memory_bytes
        return f"{memory} {self.file_bytes}"


def environment(room: Path) -> dict[str, str]:
    """Return the variables of such a process: what it needs to start, this project's code, and a home.

    Args:
        room: The folder that it works in; its home is made there.
    """
    home = room / "home"
    home.mkdir()
    code = [str(_PROJECT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {key: os.environ[key] for key in _KEPT if key in os.environ} | {
        "PYTHONPATH": os.pathsep.join(code),
        UNSEEN: os.pathsep.join(map(str, stored_tokens())),
        "HOME": str(home),
        "TMPDIR": str(home),
        "HF_HOME": str(home / "hf"),
        "HF_TOKEN_PATH": str(home / "none"),
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }


def ask(
    script: Path,
    room: Path,
    request: Mapping[str, Any],
    settings: Mapping[str, str] | None = None,
    limits: Limits | None = None,
) -> dict[str, Any]:
    """Have a script answer a request; one that ends without an answer has failed.

    Args:
        script: What is run; it reads the request from its input and leaves the answer in its current folder.
        room: An empty folder, which the process works in.
        request: What JSON can hold.
        settings: Further variables of its environment.
        limits: What it may take; None leaves that to the system.

    Returns:
        The answer, or `ended`: how the process ended without one, and its last words; and the `signal` that
        ended it, above 0 where one did.
    """
    told = {} if limits is None else {LIMITS: limits.said()}
    try:
        ran = subprocess.run(
            [sys.executable, "-P", str(script.resolve()), str(os.getpid())],
            input=json.dumps(request),
            cwd=room,
            env=environment(room) | dict(settings or {}) | told,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=None if limits is None else limits.seconds,
        )
    except subprocess.TimeoutExpired as error:
        return {"ended": f"was ended after {error.timeout:g} seconds (pin.limits.seconds)"}
    if ran.returncode:
        last = (ran.stderr.strip().splitlines() or ["it said nothing"])[-1]
        return {"ended": f"ended with {ran.returncode}: {last}", "signal": -ran.returncode}
    answer: dict[str, Any] = json.loads((room / ANSWER).read_bytes())
    return answer
