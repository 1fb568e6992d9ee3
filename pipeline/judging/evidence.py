"""What a verdict rests on, read from the workspace: records, tables, and the looks that the log knows.

The gate is a function of the records and of the log *before* this candidate's first look at these rows and,
as to what was released last, before its first verdict under these values. So a gate that was cut off behind
its entry in the log comes to the same verdict again, whatever was judged and released since.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pipeline.judging import spending
from pipeline.judging.loosened import LastReleased
from pipeline.judging.verdict import Evidence
from pipeline.params import Params
from pipeline.params.gate import GateParams
from pipeline.records import Audit, Metrics, Reembed
from pipeline.records.log import Entry, Look, Released
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


def read(workspace: Path, params: Params) -> tuple[Evidence, Place]:
    """Read what `audit` and `evaluate` left, and count the looks at the rows of the gate's split.

    Raises:
        BrokenChain: A record or a table is not what its step writes, or the log cannot be read.
        InvalidWorkspace: The workspace stands in no git repository, so that there is no log.
    """
    metrics = Metrics.load(workspace / paths.RECORDS["evaluate"])
    traits = TRAITS.read(workspace / paths.TRAITS)
    candidate = metrics.candidate.revision
    groups = frozenset(traits.filter(pl.col("split") == params.gate.split)["group"])
    standing = log.head(workspace)
    entries = _at(workspace, standing)
    found = spending.first(entries, candidate, groups)
    first = found[1] if found else None
    before = entries if first is None else _at(workspace, first.after)
    judged = _judged(entries, metrics, groups, params.gate)
    at_verdict = entries if judged is None else _at(workspace, judged.after)
    evidence = Evidence(
        audit=Audit.load(workspace / paths.RECORDS["audit"]),
        metrics=metrics,
        reembed=Reembed.load(workspace / paths.REEMBED),
        outcomes=OUTCOMES.read(workspace / paths.OUTCOMES),
        retrieved=RETRIEVED.read(workspace / paths.RETRIEVED),
        traits=traits,
        count=spending.count(before, candidate, groups),
        last=_last_released(at_verdict, params.release.repo),
    )
    return evidence, Place(standing, entries, groups, first)


def _at(workspace: Path, commit: str | None) -> Mapping[str, Entry]:
    return {} if commit is None else log.entries(workspace, commit)


def values(params: GateParams) -> dict[str, object]:
    """Return the section `gate` as the log holds it."""
    found: dict[str, object] = json.loads(params.model_dump_json())
    return found


def _judged(
    entries: Mapping[str, Entry], metrics: Metrics, groups: frozenset[str], params: GateParams
) -> Entry | None:
    """Return the entry of the candidate's first verdict under these values, beside these models."""
    wanted = (metrics.candidate.revision, values(params), _compared_with(metrics))
    resolved: dict[str, frozenset[str]] = {}
    found = (
        entry
        for name, entry in entries.items()
        if isinstance(entry.what, Look)
        and (entry.what.candidate, entry.what.gate, entry.what.compared_with) == wanted
        and spending.resolve(entries, name, resolved) == groups
    )
    return next(found, None)


def _compared_with(metrics: Metrics) -> dict[str, str]:
    return {name: rival.revision for name, rival in metrics.rivals.items()}


def _last_released(entries: Mapping[str, Entry], repo: str) -> LastReleased | None:
    """Return how the candidate was judged that a repository got last; None where the log does not know."""
    told = [entry.what for entry in entries.values() if isinstance(entry.what, Released)]
    last = next((one for one in reversed(told) if one.repo == repo and one.look in entries), None)
    if last is None:
        return None
    look = entries[last.look].what
    assert isinstance(look, Look)
    return LastReleased(last.version, look.gate, spending.resolve(entries, last.look, {}), look.hard)
