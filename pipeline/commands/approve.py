"""`approve`: a person lets the judged candidate through that no schedule may release."""

from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path

from pipeline.errors import ReleaseRefused
from pipeline.params import Params
from pipeline.records import Approval, Verdict
from pipeline.workspace import approvals, git, paths, receipts


def arguments(parser: ArgumentParser) -> None:
    """Register who approves, and why."""
    parser.add_argument("--name", required=True, help="who approves")
    parser.add_argument("--reason", required=True, help="why; it stands in the receipt")
    parser.epilog = 'example:\n  katman approve --name "Ada" --reason "the index is rebuilt tonight"'


def run(workspace: Path, params: Params, name: str, reason: str) -> tuple[str, Approval]:
    """Approve the candidate of `records/verdict.json`, and commit that to git.

    It lifts only what waits for a person: a new vector space, a comparison with a model of which nobody knows
    what it was trained on, a change of code alone, or a candidate that was rolled back from. What the gate
    refused stays refused. An approval that stands is not written over, unless its candidate was rolled back
    from since.

    Returns:
        The candidate, and its approval.

    Raises:
        BrokenChain: There is no verdict.
        ReleaseRefused: The gate said no, or a name or reason is missing.
        InvalidWorkspace: git refused the commit.
    """
    verdict = Verdict.load(workspace / paths.RECORDS["gate"])
    if not verdict.passed:
        raise ReleaseRefused(
            f"the gate refused candidate {verdict.candidate[:12]} ({verdict.outcome}); wanted one that "
            "passed, because an approval cannot make a verdict a yes. Train a better candidate"
        )
    for key, value in (("--name", name), ("--reason", reason)):
        if not value.strip():
            raise ReleaseRefused(f"{key} is {value!r}; wanted a few words, because they stand in the receipt")
    standing = approvals.find(workspace, verdict.candidate)
    taken_back = receipts.withdrawal(workspace, params.release.repo, verdict.candidate)
    if standing is None or (taken_back is not None and approvals.outdated(standing, taken_back)):
        standing = Approval(
            name=name.strip(),
            reason=reason.strip(),
            approved_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        approvals.save(workspace, verdict.candidate, standing)
    git.commit(workspace, f"Approve candidate {verdict.candidate[:12]}\n\n{standing.name}: {standing.reason}")
    return verdict.candidate, standing


def summary(approved: tuple[str, Approval]) -> str:
    """Return who approved which candidate, and when."""
    candidate, approval = approved
    return f"candidate {candidate[:12]}: approved by {approval.name} ({approval.approved_at})"
