"""What a download shows of itself: nothing where little comes, else a line, and on a terminal a bar in bytes.

The client draws a bar that counts files for every download, also for one that its cache has whole, and into
logs too.
"""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from huggingface_hub import try_to_load_from_cache
from huggingface_hub.utils import tqdm

# Below, it is over before somebody asks what goes on.
_LARGE_BYTES = 50_000_000
# The client's name for the bar of the bytes that are written; it draws two more.
_OF_BYTES = "huggingface_hub.snapshot_download"


class NoBar(tqdm):  # type: ignore[misc,type-arg,unused-ignore]
    """A bar that is never drawn."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options | {"disable": True})


class ByteBar(tqdm):  # type: ignore[misc,type-arg,unused-ignore]
    """The client's bar of the bytes that were written, on terminals; its other bars are not drawn."""

    def __init__(self, *args: Any, **options: Any) -> None:
        drawn = options.get("name") == _OF_BYTES
        super().__init__(*args, **options | {"desc": None, "disable": None if drawn else True})

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


def announced(what: str, size: int) -> type[tqdm]:
    """Say what is downloaded, where it is much, and return the bar to draw.

    Args:
        what: For the line.
        size: Bytes that are still to come.
    """
    if size < _LARGE_BYTES:
        return NoBar
    print(f"{size / 1e6:,.0f} MB of {what} are downloaded", file=sys.stderr, flush=True)  # noqa: T201
    return ByteBar
