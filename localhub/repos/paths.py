"""Paths in a repo: what every client can write to its disk, and nothing else."""

from __future__ import annotations

import re
from pathlib import PureWindowsPath

from localhub.errors import Unprocessable

# To a client on Windows the other slash separates too.
_SEPARATOR = re.compile(r"[/\\]")
# Terminals and logs act on these, and no file system of a client's is sure to take them.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_MAX_BYTES = 4096


def clean_path(path: str) -> str:
    """Return a path as git has it, without slashes at its end.

    Raises:
        Unprocessable: The path leads out of the repo or into git's folder, or has control characters.
    """
    cleaned = path.rstrip("/")
    parts = _SEPARATOR.split(cleaned)
    if (
        any(part in ("", ".", "..") or part.lower() == ".git" for part in parts)
        or any(PureWindowsPath(part).drive for part in cleaned.split("/"))
        or _CONTROL.search(path)
        or len(path.encode()) > _MAX_BYTES
    ):
        raise Unprocessable(f"Not a path in a repo: {path[:200]!r}")
    return cleaned
