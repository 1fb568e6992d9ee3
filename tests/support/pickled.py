"""A pickle that does what a pickle may do."""

from collections.abc import Callable
from pathlib import Path


class Evil:
    """An object that writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str, str]]:
        return _touch, (str(self.path), "w")


def _touch(path: str, mode: str) -> dict[str, object]:
    with Path(path).open(mode):
        return {}
