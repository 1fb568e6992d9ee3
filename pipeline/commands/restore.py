"""`restore`: what a fresh clone lacks comes from where `release.backup` put it: the log, models and data.

git brings the records, DVC the bytes: each byte is held against the record that names it, so that nothing is
used which another line made. The next run goes on where the lost machine was.
"""

from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import BrokenChain, InvalidParams, InvalidWorkspace
from pipeline.params import Params
from pipeline.records.log import total
from pipeline.workspace import dvc, lineage, log, paths, receipts


@dataclass(frozen=True)
class Restored:
    """A workspace that is whole again.

    Attributes:
        looks: Candidates that the log knows.
        version: The newest release; None where nothing was released.
        moved: What was changed since the steps ran: the next run does these again.
    """

    looks: int
    version: str | None
    moved: tuple[str, ...]


def run(workspace: Path, params: Params) -> Restored:
    """Fetch the log, pull models and data, and compare both with the records.

    Raises:
        InvalidParams: `release.backup` names no place to restore from.
        InvalidWorkspace: The backup cannot be reached, lacks something, or holds no log.
        BrokenChain: What came is not what a record names.
    """
    backup = params.release.backup
    if backup is None:
        raise InvalidParams(
            "release.backup is null; wanted the git and the DVC remote that the lost machine pushed to. Name "
            "them, as `release.backup: {git: …, branch: …, dvc: …}`"
        )
    if not log.fetch(workspace, backup.git):
        raise InvalidWorkspace(
            f"{backup.git} (release.backup.git) has no {log.REF}; wanted the one that the lost machine kept "
            "there. Name another remote, or say with `katman looks --lost` that it is gone"
        )
    dvc.pull(workspace, backup.dvc)
    found = lineage.Found(workspace)
    wrong = lineage.foreign_outs(workspace, found)
    if wrong:
        raise BrokenChain(
            f"what came from {backup.dvc} (release.backup.dvc) is not what was made here:\n  "
            + "\n  ".join(wrong)
            + "\nRemove these and the same files of `.dvc/cache`, and restore from another remote"
        )
    newest = receipts.latest(workspace, params.release.repo)
    moved = lineage.broken_links(workspace, found) + lineage.unlocked(workspace)
    return Restored(
        looks=total(log.entries(workspace))[0],
        version=None if newest is None else newest.version,
        moved=tuple(moved),
    )


def summary(found: Restored) -> str:
    """Return what is here again, and what the next run does."""
    lines = [
        f"log       {log.REF}: {found.looks} candidates were judged",
        f"release   {found.version or 'nothing was released yet'}",
        f"files     models and data are those that {paths.RECORDS['pin'].partition('/')[0]}/ names",
    ]
    if found.moved:
        lines.append("the next `dvc repro` runs again what was changed since:")
        lines += [f"  {one}" for one in found.moved]
    else:
        lines.append("`dvc repro` has nothing to do")
    return "\n".join(lines)
