"""The candidate's look, written to the log; and what workspaces of before the log kept in a file."""

from pathlib import Path

from pydantic import BaseModel, ValidationError

from pipeline.errors import BrokenChain
from pipeline.judging import spending
from pipeline.judging.evidence import Place, values
from pipeline.params.gate import GateParams
from pipeline.records import HeldOut, Verdict
from pipeline.records.log import EarlierLooks, Groups, Look
from pipeline.workspace import git, holdout, log

# Where katman 0.1 kept the looks.
FILE = "records/looks.json"


class _Kept(BaseModel):
    """That file: digests of the candidates, by digest of the test rows."""

    candidates: dict[str, tuple[str, ...]]


def take_in(workspace: Path, split: HeldOut) -> None:
    """Take the looks that an older workspace kept in a file for looks at all rows held out so far.

    Every state of the file that git knows counts, because a checkout took candidates out of it. Once the log
    knows of a look, this does nothing.

    Raises:
        BrokenChain: The file is there and cannot be read, so nobody knows how often the rows were looked at.
    """
    if any(isinstance(entry.what, Look | EarlierLooks) for entry in log.entries(workspace).values()):
        return
    path = workspace / FILE
    states = git.states(log.home(workspace), FILE)
    if path.exists():
        states.append(path.read_bytes())
    candidates = [one for state in states for one in _candidates(state, path)]
    if candidates:
        ledger = holdout.known(workspace)
        groups = ledger.filter(ledger["split"] == split)["group"].unique()
        log.append(
            workspace,
            EarlierLooks(
                candidates=tuple(dict.fromkeys(candidates)), groups=Groups(besides=tuple(sorted(groups)))
            ),
        )


def write(workspace: Path, place: Place, verdict: Verdict, test_digest: str, params: GateParams) -> bool:
    """Put a candidate's look on top of the log that its verdict was made with.

    Judged again on the same rows it spends nothing; under the values of before nothing is written.

    Returns:
        Whether the log still stood there; where it moved on meanwhile, the candidate must be judged again.
    """
    asked = values(params)
    if place.first is not None:
        newest = [
            entry.what
            for entry in place.entries.values()
            if isinstance(entry.what, Look) and entry.what.candidate == verdict.candidate
        ][-1]
        if (newest.test_digest, newest.gate, newest.outcome, newest.compared_with, newest.hard) == (
            test_digest,
            asked,
            verdict.outcome,
            verdict.compared_with,
            verdict.hard_judged,
        ):
            return True
    look = Look(
        candidate=verdict.candidate,
        test_digest=test_digest,
        groups=spending.described(place.entries, place.groups),
        gate=asked,
        alpha=spending.level(params.alpha, params.max_looks) if place.first is None else 0.0,
        outcome=verdict.outcome,
        compared_with=verdict.compared_with,
        hard=verdict.hard_judged,
    )
    return log.append_on(workspace, place.standing, look) is not None


def _candidates(content: bytes, path: Path) -> list[str]:
    try:
        kept = _Kept.model_validate_json(content)
    except ValidationError as error:
        raise BrokenChain(
            f"{path} does not say which candidates were judged ({error.errors()[0]['msg']}); wanted the list "
            f"that an older katman wrote. Restore it with `git checkout {FILE}`"
        ) from None
    return [one for judged in kept.candidates.values() for one in judged]
