"""The flow by which a person decides what waits: it releases the candidate, or rejects it.

Run from the form on Prefect's page, or from any machine that reaches the server; nothing else asks for a
shell on the machine that trains.
"""

import tempfile
from pathlib import Path
from typing import Literal, NamedTuple
from uuid import UUID

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas import FlowRun, State
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.states import Cancelled, Completed, Failed

from flows import process, server
from flows.retrain import RELEASED, end_with_worker, refuse_elsewhere
from flows.steps import SKIPPED, WAITING, of_full_disk
from flows.views import decision_page, markup, report
from pipeline.errors import PipelineError, ReleaseRefused, WorkspaceHeld
from pipeline.params import load
from pipeline.records import Receipt, Verdict
from pipeline.workspace import approvals, locks, paths

REJECTED = "Rejected"
Decision = Literal["approve", "reject"]


class _Decided(NamedTuple):
    """What came of a decision: the run's state, its name, and Markdown below the message on its page."""

    state: State[None]
    did: str
    below: str = ""


# A run that finds a candidate waiting holds the workspace for seconds, a training for hours.
_SECONDS_TO_WAIT = 60.0


@flow(name="approve", persist_result=False)
def approve(
    decision: Decision,
    candidate: str = "",
    name: str = "",
    reason: str = "",
    signature: str = "",
    workspace: str = ".",
) -> State[None]:
    """Decide what becomes of the candidate that waits for a person.

    Args:
        decision: To approve is to release it; to reject leaves everything in place, and runs go on.
        candidate: What was looked at; the run's page fills it in. Another one that waits by now is refused.
        name: Who decides; where approve.signers names persons, one of them. Wanted, unless it was signed.
        reason: Why; it stands in the receipt, or in git. Wanted, unless it was signed.
        signature: Where approve.signers names persons: what ssh-keygen made of a text to be signed.
        workspace: The folder with `params.yaml` and `dvc.yaml`.

    Returns:
        Completed under the name "Released", "Rejected", "Waiting" for a signature, or "Skipped" where it was
        released before; Failed with the step's message.
    """
    folder, log = Path(workspace).resolve(), get_run_logger()
    run = UUID(flow_run.get_id())
    end_with_worker()
    name = " ".join(name.split())  # the form's field takes several lines
    try:
        refuse_elsewhere(folder)
        with (
            server.Watch(run) as watch,
            tempfile.TemporaryDirectory() as scratch,
            locks.hold(folder, "approve", waiting=_briefly) as held,
        ):
            assert held is not None  # this process works for nobody
            judged = refuse_another(folder, candidate)
            before = report.receipt_of(folder, judged)
            words = _words(decision, name, reason, signature, Path(scratch))
            process.run("step", decision, folder, held, log.info, watch.stop, words)
            decided = outcome(folder, before)
    except process.StepStopped:
        decided = _Decided(Cancelled(message="ended, because somebody ended the run"), "cancelled")
    except PipelineError as error:
        decided = _Decided(Failed(message=str(error)), f"failed to {decision}")
    except OSError as error:
        decided = _Decided(Failed(message=of_full_disk(error)), f"failed to {decision}")
    state, did, below = decided
    log.info("%s", state.message)

    def tell(client: SyncPrefectClient, own: FlowRun) -> None:
        client.set_flow_run_name(run, did)
        parts = [report.short(did, state.message or ""), below]
        create_markdown_artifact(
            key="decision", markdown="\n".join(filter(None, parts)), description=markup.plain(did)
        )

    server.until_there(log.warning)
    server.passing(run, log.warning, tell)
    return state


def refuse_another(folder: Path, candidate: str) -> str:
    """Return the candidate that stands there, where it is the one that somebody looked at.

    Args:
        folder: The workspace.
        candidate: The first signs of its digest; none where nobody said which.

    Raises:
        ReleaseRefused: Another one stands there by now.
    """
    judged = Verdict.load(folder / paths.RECORDS["gate"]).candidate
    if not judged.startswith(candidate.strip()):
        raise ReleaseRefused(
            f"the decision is about candidate {candidate.strip()}, and {judged[:12]} stands there by now; "
            "wanted the one that was looked at. Look at the page of the newest run, and decide there"
        )
    return judged


def _words(decision: Decision, name: str, reason: str, signature: str, scratch: Path) -> list[str]:
    """Return the arguments of the step that decides; a signature is a file to it."""
    if decision == "reject" or not signature.strip():
        return [f"--name={name}", f"--reason={reason}"]
    path = scratch / "signature"
    path.write_text(signature, encoding="utf-8")
    return [f"--signature={path}"]


def outcome(folder: Path, before: Receipt | None) -> _Decided:
    """Return what came of a decision.

    Args:
        folder: The workspace.
        before: The candidate's receipt before it was decided on; None where it had none.
    """
    params, verdict = load(folder), Verdict.load(folder / paths.RECORDS["gate"])
    short, no = verdict.candidate[:12], approvals.rejection(folder, verdict.candidate)
    if no is not None:
        said = f"candidate {short} is rejected by {no.name}: {_ended(no.reason)}"
        message = f"{said} Everything is in place, and runs go on"
        return _Decided(Completed(name=REJECTED, message=message), f"Rejected by {no.name}")
    receipt, yes = report.receipt_of(folder, verdict.candidate), approvals.find(folder, verdict.candidate)
    if receipt is None:
        message = f"candidate {short} is released as soon as the approval is signed"
        below = decision_page.to_sign(folder, params, verdict)
        return _Decided(Completed(name=WAITING, message=message), "waits for a signature", below)
    links = report.links(folder, verdict)
    if before is not None and before.commit == receipt.commit:
        message = f"candidate {short} was released before: {report.standing(folder, receipt)}"
        return _Decided(Completed(name=SKIPPED, message=message), "released before", links)
    approved = "" if yes is None else f"; approved by {yes.name}: {yes.reason}"
    message = f"released {receipt.version}: {receipt.repo} at {receipt.commit}{approved}"
    did = f"Released by {yes.name}" if yes is not None else f"released {receipt.version}"
    return _Decided(Completed(name=RELEASED, message=message), did, links)


def _ended(sentence: str) -> str:
    """Return a sentence of somebody's with a sign at its end, where it has none."""
    return sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."


def _briefly(holder: locks.Holder, seconds: float) -> None:
    """Wait for whoever looks at the workspace, and not for a training in it: nothing waits there then."""
    if seconds > _SECONDS_TO_WAIT:
        raise WorkspaceHeld(
            f"{holder} works on this workspace; wanted it at rest, because a candidate is released as it "
            "stands there. Decide again when it has ended"
        )
