"""The candidate that a run put up for a person: since when it waits, and what each signer may sign."""

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from pipeline.errors import WaitsForPerson
from pipeline.params import Params
from pipeline.records import Approval, Rejection, Verdict, Waiting
from pipeline.workspace import approvals, paths, receipts, signed_approvals
from pipeline.workspace.files import write_text

# Who rejects what nobody decided.
NOBODY = "katman"
AS_SHOWN = "as it is shown on the run's page"


class PutUp(NamedTuple):
    """A candidate that was put up for a person's decision.

    Attributes:
        waiting: Since when, as which version.
        free: It may be released by now: somebody approved it, or params.yaml asks for nobody any more.
    """

    waiting: Waiting
    free: bool


def begin(workspace: Path, params: Params, verdict: Verdict) -> Waiting:
    """Note that the judged candidate waits from now on, unless it waits already.

    Where signatures are asked for, a text for each signer is written, which can be signed as it stands.
    """
    known = _read(workspace)
    if known is not None and known.candidate == verdict.candidate:
        return known
    waiting = Waiting(
        candidate=verdict.candidate,
        version=receipts.next_version(workspace, params.release.repo),
        since=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    write_text(workspace / paths.WAITING, waiting.dump())
    for name in {one.name for one in signed_approvals.signers(params)}:
        drafted = approvals.draft(workspace, params, verdict, name, AS_SHOWN)
        short = hashlib.sha256(name.encode()).hexdigest()[:8]
        write_text(workspace / paths.unsigned_approval(verdict.candidate, short), drafted.statement())
    return waiting


def put_up(workspace: Path, params: Params) -> PutUp | None:
    """Return the candidate that was put up here, and is neither released nor rejected nor replaced.

    Raises:
        BrokenChain: Its approval or rejection cannot be read.
    """
    known, path = _read(workspace), workspace / paths.RECORDS["gate"]
    if known is None or not path.is_file():
        return None
    verdict = Verdict.load(path)
    newest = receipts.latest(workspace, params.release.repo)
    released = newest is not None and newest.candidate == known.candidate
    rejected = approvals.rejection(workspace, known.candidate) is not None
    if known.candidate != verdict.candidate or not verdict.passed or released or rejected:
        return None
    try:
        approvals.demand(workspace, params, verdict)
    except WaitsForPerson:
        return PutUp(known, free=False)
    return PutUp(known, free=True)


def drafts(workspace: Path, candidate: str) -> list[tuple[Path, Approval]]:
    """Return the texts that may be signed for a candidate, each with its file."""
    found = []
    for path in sorted((workspace / paths.APPROVALS).glob(f".{candidate}*.unsigned.json")):
        try:
            found.append((path, Approval.model_validate_json(path.read_bytes())))
        except (OSError, ValidationError):
            continue
    return found


def expire(workspace: Path, params: Params, waiting: Waiting) -> Rejection | None:
    """Reject what has waited for longer than `approve.wait_days`; None where it may wait on.

    Raises:
        InvalidWorkspace: git refused the commit.
    """
    days = params.approve.wait_days
    since = datetime.fromisoformat(waiting.since)
    if days is None or datetime.now(UTC) - since < timedelta(days=days):
        return None
    reason = f"nobody decided in {days:g} days (approve.wait_days), since {waiting.since}"
    return approvals.reject(workspace, waiting.candidate, NOBODY, reason)


def _read(workspace: Path) -> Waiting | None:
    try:
        return Waiting.model_validate_json((workspace / paths.WAITING).read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
