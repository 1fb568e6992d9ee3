"""`reject`: a person says no to the judged candidate; nothing else changes."""

from argparse import ArgumentParser
from pathlib import Path

from pipeline.errors import ReleaseRefused
from pipeline.params import Params
from pipeline.records import Rejection, Verdict
from pipeline.workspace import approvals, paths, receipts


def arguments(parser: ArgumentParser) -> None:
    """Register who rejects, and why."""
    parser.add_argument("--name", required=True, help="who rejects")
    parser.add_argument("--reason", required=True, help="why; it stands in git")
    parser.epilog = 'example:\n  katman reject --name "Ada" --reason "the new rows are a test of ours"'


def run(workspace: Path, params: Params, name: str, reason: str) -> Rejection:
    """Reject the candidate of `records/verdict.json`, and commit that to git.

    No schedule releases it from then on, and runs go on with what comes next. It needs no signature: a no
    lets nothing out, and whoever approves the candidate after all takes it back.

    Raises:
        BrokenChain: There is no verdict.
        ReleaseRefused: A name or reason is missing, or the candidate is out already.
        InvalidWorkspace: git refused the commit.
    """
    for key, value in (("--name", name), ("--reason", reason)):
        if not value.strip():
            raise ReleaseRefused(f"{key} is {value!r}; wanted a few words, because they stand in git")
    candidate = Verdict.load(workspace / paths.RECORDS["gate"]).candidate
    newest = receipts.latest(workspace, params.release.repo)
    if newest is not None and newest.candidate == candidate:
        raise ReleaseRefused(
            f"candidate {candidate[:12]} is released as {newest.version}; wanted one that is not out. Take "
            "it back with `katman rollback`"
        )
    return approvals.reject(workspace, candidate, name.strip(), reason.strip())


def summary(no: Rejection) -> str:
    """Return who rejected which candidate, and why."""
    return f"candidate {no.candidate[:12]}: rejected by {no.name}: {no.reason}. Everything is in place"
