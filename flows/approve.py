"""The flow by which a person decides what waits: it releases the candidate, or rejects it.

Run from the form on Prefect's page, or from any machine that reaches the server; nothing else asks for a
shell on the machine that trains.
"""

import tempfile
from pathlib import Path
from typing import Literal
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
from flows.steps import WAITING
from flows.views import decision_page, markup, report
from pipeline.errors import PipelineError, ReleaseRefused, WorkspaceHeld
from pipeline.params import load
from pipeline.records import Verdict
from pipeline.workspace import approvals, locks, paths

REJECTED = "Rejected"
Decision = Literal["approve", "reject"]
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
        name: Who decides; where approve.signers names persons, one of them. Needless beside a signature.
        reason: Why; it stands in the receipt, or in git. Needless beside a signature, which is over it.
        signature: Where approve.signers names persons: what ssh-keygen made of a text to be signed.
        workspace: The folder with `params.yaml` and `dvc.yaml`.

    Returns:
        Completed under the name "Released", "Rejected", or "Waiting" for a signature; Failed with the step's
        message.
    """
    folder, log = Path(workspace).resolve(), get_run_logger()
    run = UUID(flow_run.get_id())
    end_with_worker()
    try:
        refuse_elsewhere(folder)
        with (
            server.Watch(run) as watch,
            tempfile.TemporaryDirectory() as scratch,
            locks.hold(folder, "approve", waiting=_briefly) as held,
        ):
            assert held is not None  # this process works for nobody
            refuse_another(folder, candidate)
            words = _words(decision, name, reason, signature, Path(scratch))
            process.run("step", decision, folder, held, log.info, watch.stop, words)
            state, page = _outcome(folder)
    except process.StepStopped:
        state, page = Cancelled(message="ended, because somebody ended the run"), None
    except PipelineError as error:
        state, page = Failed(message=str(error)), None
    log.info("%s", state.message)
    did = f"{state.name or 'Ended'} by {name or 'a signature'}"

    def tell(client: SyncPrefectClient, own: FlowRun) -> None:
        client.set_flow_run_name(run, did)
        create_markdown_artifact(
            key="decision",
            markdown=page or report.short(did, state.message or ""),
            description=markup.plain(did),
        )

    server.passing(run, log.warning, tell)
    return state


def refuse_another(folder: Path, candidate: str) -> None:
    """Refuse to decide another candidate than the one that somebody looked at.

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


def _words(decision: Decision, name: str, reason: str, signature: str, scratch: Path) -> list[str]:
    """Return the arguments of the step that decides; a signature is a file to it."""
    if decision == "reject" or not signature.strip():
        return [f"--name={name}", f"--reason={reason}"]
    path = scratch / "signature"
    path.write_text(signature, encoding="utf-8")
    return [f"--signature={path}"]


def _outcome(folder: Path) -> tuple[State[None], str | None]:
    """Return what came of a decision, and the page where a signature is still wanted."""
    params, verdict = load(folder), Verdict.load(folder / paths.RECORDS["gate"])
    no = approvals.rejection(folder, verdict.candidate)
    if no is not None:
        message = f"rejected by {no.name}: {no.reason}. Everything is in place, and runs go on"
        return Completed(name=REJECTED, message=message), None
    receipt = report.receipt_of(folder, verdict.candidate)
    if receipt is not None:
        message = f"released {receipt.version}: {receipt.repo} at {receipt.commit}"
        return Completed(name=RELEASED, message=message), None
    message = f"candidate {verdict.candidate[:12]} is released as soon as the approval is signed"
    return Completed(name=WAITING, message=message), decision_page.to_sign(folder, params, verdict)


def _briefly(holder: locks.Holder, seconds: float) -> None:
    """Wait for whoever looks at the workspace, and not for a training in it: nothing waits there then."""
    if seconds > _SECONDS_TO_WAIT:
        raise WorkspaceHeld(
            f"{holder} works on this workspace; wanted it at rest, because a candidate is released as it "
            "stands there. Decide again when it has ended"
        )
