"""`looks`: how often the test rows were looked at, what is left, and how a lost log comes back.

`--fetch REMOTE` takes in what the log of another clone knows, and takes nothing back. `--lost` says that the
log is lost everywhere: then all rows held out so far count as spent, and only new ones judge candidates.
"""

from argparse import ArgumentParser
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pipeline.errors import HubError, InvalidWorkspace
from pipeline.hub import Hub
from pipeline.judging import spending
from pipeline.judging.spending import Count
from pipeline.params import Params
from pipeline.publishing import log_state
from pipeline.records import LogState
from pipeline.records.log import EarlierLooks, Groups, total
from pipeline.records.tables import TRAITS
from pipeline.workspace import holdout, log, paths, receipts


@dataclass(frozen=True)
class Looks:
    """How the log stands.

    Attributes:
        state: None where nothing was logged yet.
        rows: The groups of test rows here; None before the first audit.
        next_look: What a new candidate on these rows would be; None as above.
        allowed: `gate.max_looks`.
        unasked: Why the Hub could not be asked what its release knows of the log.
    """

    state: LogState | None
    rows: int | None
    next_look: Count | None
    allowed: int
    unasked: str | None = None


def arguments(parser: ArgumentParser) -> None:
    """Register what is done with a log that is not here."""
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("--fetch", metavar="REMOTE", help="take in what this git remote's log knows besides")
    chosen.add_argument(
        "--lost", action="store_true", help="the log is lost everywhere: all held-out rows are spent"
    )
    parser.epilog = "example:\n  katman looks --fetch origin"


def run(workspace: Path, params: Params, fetch: str | None = None, lost: bool = False) -> Looks:
    """Show how the log stands, after it was fetched or declared lost where that is asked.

    Raises:
        InvalidWorkspace: The remote cannot be reached or has no log.
        BrokenChain: The log cannot be read.
    """
    unasked = None
    if fetch is not None and not log.fetch(workspace, fetch):
        raise InvalidWorkspace(
            f"{fetch} has no {log.REF}; wanted the remote that the log was pushed to. If it is lost "
            "everywhere, run `katman looks --lost`"
        )
    if lost:
        unasked = _declare_lost(workspace, params)
    entries = log.entries(workspace)
    head = log.head(workspace)
    looks, spent = total(entries)
    state = None if head is None else LogState(head=head, looks=looks, alpha_spent=spent)
    traits = workspace / paths.TRAITS
    if not traits.exists():
        return Looks(state, None, None, params.gate.max_looks, unasked)
    rows = TRAITS.read(traits)
    groups = frozenset(rows.filter(pl.col("split") == params.gate.split)["group"])
    count = spending.count(entries, "", groups)
    return Looks(state, len(groups), count, params.gate.max_looks, unasked)


def summary(found: Looks) -> str:
    """Return a line on the log, and one on the test rows."""
    if found.state is None:
        lines = ["log        nothing was logged yet"]
    else:
        lines = [
            f"log        {log.REF} at {found.state.head[:12]}",
            f"looks      {found.state.looks} candidates were judged; spent {found.state.alpha_spent:.4g} of "
            "the error rate",
        ]
    if found.next_look is None:
        lines.append("test rows  none here yet: run `dvc repro`")
    else:
        lines.append(f"test rows  {found.rows} groups; {_left(found.next_look, found.allowed)}")
    if found.unasked is not None:
        lines.append(f"the Hub was not asked what its release knows of the log: {found.unasked}")
    return "\n".join(lines)


def _left(count: Count, allowed: int) -> str:
    if count.lost:
        return "the log of some of them is lost, so that they judge no more: pin a data set with new ones"
    left = max(0, allowed - count.number + 1)
    return f"the next candidate is look {count.number} of {allowed}, {left} left"


def _declare_lost(workspace: Path, params: Params) -> str | None:
    """Log that all rows held out so far are spent, and which heads of the lost log releases name.

    Returns:
        Why the Hub could not be asked; what its release knows is then still wanted.
    """
    repo = params.release.repo
    known = [one.log for one in receipts.for_repo(workspace, repo)]
    unasked = None
    try:
        known.append(log_state.by_hub(Hub(params.hub), repo))
    except HubError as error:
        unasked = str(error)
    gone = [one.head for one in known if one is not None and not log_state.covered(workspace, one)]
    log.append(
        workspace,
        EarlierLooks(
            candidates=(),
            groups=Groups(besides=tuple(sorted(holdout.known(workspace)["group"].unique()))),
            lost=True,
            heads=tuple(dict.fromkeys(gone)),
        ),
    )
    return unasked
