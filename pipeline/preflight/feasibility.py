"""What this workspace's data set allows, held against its gate once the audit has counted."""

from pathlib import Path

import polars as pl

from pipeline.errors import InvalidData
from pipeline.judging import feasibility, power
from pipeline.judging.feasibility import Limit
from pipeline.judging.power import TestSet
from pipeline.params import Params
from pipeline.records import Audit, Rival
from pipeline.workspace import paths

# What costs enough to be asked before. The cheap steps say no themselves.
GUARDED = ("train",)
# What counts prints the counts beside their limits, which it never reads: they may change without it.
COUNTED = ("audit",)


def read(workspace: Path, params: Params) -> tuple[Audit, TestSet]:
    """Read what the audit counted.

    Raises:
        BrokenChain: There is no record of an audit.
        InvalidParams: `gate.cluster` names no column.
    """
    audit = Audit.load(workspace / paths.RECORDS["audit"])
    return audit, power.comparable(pl.read_parquet(workspace / paths.TRAITS), params.gate)


def limits(workspace: Path, params: Params) -> list[Limit]:
    """Hold every limit that is known before training against the audit's counts."""
    audit, found = read(workspace, params)
    rivals: list[Rival] = []
    if params.live.revision is not None:
        rivals.append("live")
    if params.anchor.revision is not None:
        rivals.append("anchor")
    return feasibility.limits(audit, found, rivals, params.gate, params.train)


def lines(workspace: Path, params: Params) -> str:
    """Return a line per count beside its limit."""
    return "\n".join(f"  {'ok' if one.check.passed else 'NO':<3} {one}" for one in limits(workspace, params))


def demand(workspace: Path, params: Params) -> None:
    """Refuse a training whose candidate no gate could let pass.

    Raises:
        InvalidData: A limit cannot be kept, and `gate.infeasible` is to refuse.
    """
    if params.gate.infeasible == "report":
        return
    missed = [one for one in limits(workspace, params) if one.stops and not one.check.passed]
    if missed:
        said = "\n  ".join(map(str, missed))
        raise InvalidData(
            f"no candidate could pass the gate on this data set, so nothing is trained:\n  {said}\n"
            "`katman plan` shows what it allows. To train all the same, set gate.infeasible to report"
        )
