"""What a proxy is told to do, in a file that can be replaced while it runs."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

Fate = Literal[
    "pass",
    "refuse",  # no connection: a reset, and as long as the plan lasts nobody listens
    "cut",  # the connection is cut after half of the body was forwarded
    "mute",  # the server acts, its answer is dropped
    "slow",  # the server acts, its answer comes after the client's patience
    "late",  # the server is asked only after the client's patience, and acts then
    "answer",  # the proxy answers by itself, the server never hears of it
    "kill",  # a process dies by SIGKILL before the request is forwarded
    "kill-after",  # the same after the server acted; nobody hears the answer
    "kill-later",  # the request is answered, and the process dies by SIGKILL a while after
    "hold",  # the request waits until a file is there
]


@dataclass(frozen=True)
class Plan:
    """One fault: for which request, and what happens to it.

    Attributes:
        id: Names the plan in the log; requests are counted anew for each.
        fate: What happens.
        number: The request, counted from 1; 0 for one that is recognised.
        request: It is recognised by `name` of its method and address; see there.
        occurrence: Of several that are recognised, which; from 1.
        stays: From there on it happens to every request.
        status: The answer, for `answer`.
        retry_after: The answer's Retry-After in seconds, or None.
        seconds: How long `slow` and `late` last, and after how long `kill-later` kills.
        pid_file: Holds the process to kill; waited for.
        go_file: Ends `hold`.
    """

    id: str = "none"
    fate: Fate = "pass"
    number: int = 0
    request: str = ""
    occurrence: int = 1
    stays: bool = False
    status: int = 500
    retry_after: int | None = None
    seconds: float = 0.0
    pid_file: str = ""
    go_file: str = ""


def read(path: Path) -> Plan:
    """Read the plan; without a file everything passes."""
    try:
        return Plan(**json.loads(path.read_bytes()))
    except FileNotFoundError:
        return Plan()


def write(path: Path, plan: Plan) -> None:
    """Replace the plan, between two requests."""
    new = path.with_suffix(".new")
    new.write_text(json.dumps(asdict(plan)))
    new.replace(path)


def name(method: str, target: str) -> str:
    """Name a request by what is the same in every run: without query, digests and numbers of its own."""
    path = target.split("?")[0].replace("%2F", "/")
    path = re.sub(r"\b[0-9a-f]{64}\b", "SHA256", path)
    path = re.sub(r"\b[0-9a-f]{40}\b", "COMMIT", path)
    path = re.sub(r"\b[0-9a-f]{32}\b", "UPLOAD", path)
    path = re.sub(r"\b(refs/pr|discussions)/[0-9]+", r"\1/N", path)
    return f"{method} {path}"
