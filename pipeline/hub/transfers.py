"""What a download or upload shows of itself: nothing where it is small, else a line, and bars on a terminal.

The client draws a bar that counts files for every download, also for one that its cache has whole, and draws
into logs too.
"""

import contextlib
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from huggingface_hub import constants, try_to_load_from_cache
from huggingface_hub.utils import disable_progress_bars, tqdm  # type: ignore[attr-defined]

# Below, it is over before somebody asks what goes on.
_LARGE_BYTES = 50_000_000
# The client's name for the bar of the bytes that are written; it draws two more.
_OF_BYTES = "huggingface_hub.snapshot_download"


class NoBar(tqdm):  # type: ignore[misc,type-arg,unused-ignore]
    """A bar that is never drawn."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options | {"disable": True})  # type: ignore[no-untyped-call]


class ByteBar(tqdm):  # type: ignore[misc,type-arg,unused-ignore]
    """The client's bar of the bytes that were written, on terminals; its other bars are not drawn."""

    def __init__(self, *args: Any, **options: Any) -> None:
        drawn = options.get("name") == _OF_BYTES
        options |= {"desc": None, "disable": None if drawn else True}
        super().__init__(*args, **options)  # type: ignore[no-untyped-call]

    def set_description(self, desc: str | None = None, refresh: bool | None = True) -> None:
        """End it: the client says in words that all came, and those stand in the line above it."""
        self.refresh()
        self.close()


def missing_bytes(
    repo: str, kind: str, commit: str, files: Iterable[tuple[str, int]], cache: Path | None
) -> int:
    """Return how much of some files, given with their sizes, is not in the client's cache."""
    return sum(
        size
        for path, size in files
        if not isinstance(
            try_to_load_from_cache(repo, path, cache_dir=cache, revision=commit, repo_type=kind), str
        )
    )


def downloading(what: str, size: int) -> type[tqdm]:
    """Say what is downloaded, where it is much, and return the bar to draw.

    Args:
        what: For the line.
        size: Bytes that are still to come.
    """
    return ByteBar if _announced(f"downloads {_megabytes(size)} of {what}", size) else NoBar


def uploading(what: str, size: int) -> contextlib.AbstractContextManager[object]:
    """Say what is uploaded, where it is much; the client's own bars are drawn on terminals alone, meanwhile.

    Args:
        what: For the line.
        size: Bytes of all files.
    """
    drawn = _announced(f"uploads {_megabytes(size)} to {what}", size) and sys.stderr.isatty()
    if drawn or constants.HF_HUB_DISABLE_PROGRESS_BARS is not None:  # the user has decided it
        return contextlib.nullcontext()
    return disable_progress_bars()


def _announced(line: str, size: int) -> bool:
    if size < _LARGE_BYTES:
        return False
    print(line, file=sys.stderr, flush=True)  # noqa: T201
    return True


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"
