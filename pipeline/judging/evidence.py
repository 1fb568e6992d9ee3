"""What a verdict rests on, read from the workspace: records, tables, and the looks that the log knows.

The gate is a function of the records and of the log *before* this candidate's first look at these rows. So a
gate that was cut off behind its entry in the log comes to the same verdict again, whatever was judged since.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pipeline.judging import spending
from pipeline.judging.verdict import Evidence
from pipeline.records import Audit, HeldOut, Metrics, Reembed
from pipeline.records.log import Entry
from pipeline.records.tables import OUTCOMES, RETRIEVED, TRAITS
from pipeline.workspace import log, paths


@dataclass(frozen=True)
class Place:
    """Where a candidate's look stands in the log.

    Attributes:
        standing: The commit of the log that was read; None where nothing was logged yet.
        entries: The log at that commit, by name.
        groups: The groups of test rows that the candidate is judged on.
        first: The entry of its first look at these groups; None where this is it.
    """

    standing: str | None
    entries: Mapping[str, Entry]
    groups: frozenset[str]
    first: Entry | None


def read(workspace: Path, split: HeldOut) -> tuple[Evidence, Place]:
    """Read what `audit` and `evaluate` left, and count the looks at the split's rows.

    Raises:
        BrokenChain: A record or a table is not what its step writes, or the log cannot be read.
        InvalidWorkspace: The workspace stands in no git repository, so that there is no log.
    """
    metrics = Metrics.load(workspace / paths.RECORDS["evaluate"])
    traits = TRAITS.read(workspace / paths.TRAITS)
    candidate = metrics.candidate.revision
    groups = frozenset(traits.filter(pl.col("split") == split)["group"])
    standing = log.head(workspace)
    entries = _at(workspace, standing)
    found = spending.first(entries, candidate, groups)
    first = found[1] if found else None
    before = entries if first is None else _at(workspace, first.after)
    evidence = Evidence(
        audit=Audit.load(workspace / paths.RECORDS["audit"]),
        metrics=metrics,
        reembed=Reembed.load(workspace / paths.REEMBED),
        outcomes=OUTCOMES.read(workspace / paths.OUTCOMES),
        retrieved=RETRIEVED.read(workspace / paths.RETRIEVED),
        traits=traits,
        count=spending.count(before, candidate, groups),
    )
    return evidence, Place(standing, entries, groups, first)


def _at(workspace: Path, commit: str | None) -> Mapping[str, Entry]:
    return {} if commit is None else log.entries(workspace, commit)
