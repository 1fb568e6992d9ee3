"""`clean`: what only takes up disk: candidates that nobody released, checkpoints of trainings that are over.

Without `--remove` nothing is: what would go is shown. What the workspace, a branch, a tag of git (each
release has one) or an experiment names stays. A cache outside of the workspace may be shared, and is left
alone.
"""

import shutil
from argparse import ArgumentParser
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import BrokenChain
from pipeline.params import Params
from pipeline.preflight import resources
from pipeline.workspace import dvc, lineage, paths


@dataclass(frozen=True)
class Removable:
    """What may go, each with its bytes.

    Attributes:
        cache: Files of the workspace's own cache of DVC that nothing names which is kept.
        checkpoints: Of trainings that are over.
        removed: Whether all of it is gone.
    """

    cache: dict[Path, int]
    checkpoints: dict[Path, int]
    removed: bool

    @property
    def size(self) -> int:
        """All bytes."""
        return sum(self.cache.values()) + sum(self.checkpoints.values())


def arguments(parser: ArgumentParser) -> None:
    """Register whether it is removed."""
    parser.add_argument("--remove", action="store_true", help="remove it; without this it is only shown")
    parser.epilog = "example:\n  katman clean --remove"


def run(workspace: Path, params: Params, remove: bool = False) -> Removable:
    """Find what only takes up disk, and remove it where that is asked.

    Raises:
        InvalidWorkspace: DVC cannot say what its cache holds.
    """
    own = workspace.resolve() / ".dvc" / "cache"
    found = Removable(
        cache={path: path.stat().st_size for path in dvc.unused(workspace) if path.is_relative_to(own)},
        checkpoints={path: _size(path) for path in _over(workspace)},
        removed=remove,
    )
    if remove:
        for folder in found.checkpoints:
            shutil.rmtree(folder, ignore_errors=True)
        if found.cache:
            dvc.forget(workspace)
    return found


def summary(found: Removable) -> str:
    """Return a line per kind, and how to remove it."""
    lines = [
        f"cache        {len(found.cache)} files, {resources.shown(sum(found.cache.values()))}",
        f"checkpoints  {len(found.checkpoints)} folders, {resources.shown(sum(found.checkpoints.values()))}",
    ]
    if found.removed:
        return "\n".join([*lines, f"removed {resources.shown(found.size)}"])
    if not found.size:
        return "\n".join([*lines, "nothing to remove"])
    return "\n".join([*lines, "nothing was removed: run `katman clean --remove`"])


def _over(workspace: Path) -> list[Path]:
    """Return folders with checkpoints that no training goes on from: the next one reads something else."""
    try:
        next_one = lineage.checkpoints(workspace, lineage.opened(workspace, "train"))
    except BrokenChain:
        return []  # what the next training reads is not here yet, so nobody knows
    found = {path.parent for path in (workspace / paths.CHECKPOINTS).glob("*/checkpoint-*")}
    return sorted(found - {next_one})


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
