"""The flow: every step in order, each where DVC says it is needed, and a release of what passed the gate."""

from argparse import ArgumentParser
from pathlib import Path

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.client.schemas import State
from prefect.logging import get_run_logger
from prefect.states import Completed, Failed

from flows import lock, report, steps
from pipeline.errors import PipelineError, StepFailed, WaitsForPerson
from pipeline.params import Params, load
from pipeline.records import Verdict
from pipeline.workspace import backup, paths


@flow(name="retrain", persist_result=False)
def retrain(workspace: str = ".", refresh: bool = True, release: bool = True) -> State[None]:
    """Keep the workspace's model fresh.

    Args:
        workspace: The folder with `params.yaml` and `dvc.yaml`.
        refresh: Ask the Hub for newer revisions first; without it, the pinned ones stand.
        release: Push a candidate that passed the gate; without it, the run ends with the verdict.

    Returns:
        Completed with what came of it, also where the gate refused; under the name "Waiting" where a person
        must approve the candidate. Failed with the step and its message.
    """
    folder = Path(workspace).resolve()
    try:
        with lock.hold(folder) as held:
            return _run(folder, held, refresh, release)
    except PipelineError as error:
        return Failed(message=str(error))


def _run(folder: Path, held: int, refresh: bool, release: bool) -> State[None]:
    """Run the steps in a workspace that is locked, and leave the tables on the run's page."""
    unchanged = True
    for step in [steps.CHECK, *([steps.REFRESH] if refresh else []), *steps.STAGES]:
        state = _await(step, folder, held)
        if not state.is_completed():
            return state
        unchanged = unchanged and (step not in steps.STAGES or state.name == steps.SKIPPED)

    for warning in backup.keep_log(folder, load(folder)):
        get_run_logger().warning("%s", warning)
    end = _release(folder, held, release, unchanged)
    if end.is_completed():
        outcome = end.message or ""
        text = report.markdown(folder, outcome)
        create_markdown_artifact(key="retrain", markdown=text, description=outcome)
        get_run_logger().info("%s", outcome)
    return end


def _release(folder: Path, held: int, wanted: bool, unchanged: bool) -> State[None]:
    """Release the candidate where there is something to release; returns the flow's end."""
    verdict = Verdict.load(folder / paths.RECORDS["gate"])
    if not verdict.passed:
        return Completed(message=f"refused by the gate: {report.refusal(verdict)}")
    receipt = report.receipt_of(folder, verdict.candidate)
    if unchanged and receipt is not None:
        message = f"unchanged: every step skipped, {report.standing(folder, receipt)}"
        return Completed(name=steps.SKIPPED, message=message)
    if not wanted:
        return Completed(message="passed the gate; not released, because this run was told not to")
    state = _await(steps.RELEASE, folder, held)
    if not state.is_completed() or state.name == steps.WAITING:
        return state
    receipt = report.receipt_of(folder, verdict.candidate)
    if receipt is None:
        return Failed(message="release: it ended well but left no receipt for this candidate in receipts/")
    return Completed(message=f"released {receipt.version}: {receipt.repo} at {receipt.commit}")


def _await(step: steps.Step, folder: Path, held: int) -> State[None]:
    """Run one step's task to its end; a failed or waiting one gives a state that the flow can end with."""
    state: State[None] = step(folder, held, return_state=True)  # type: ignore[assignment]
    if state.is_completed():
        return Completed(name=state.name, message=state.message)
    return Failed(message=state.message)


def arguments(parser: ArgumentParser) -> None:
    """Register what the run leaves out."""
    parser.add_argument(
        "--no-refresh", dest="refresh", action="store_false", help="keep the pinned revisions"
    )
    parser.add_argument("--no-release", dest="release", action="store_false", help="stop at the verdict")
    parser.epilog = "example:\n  katman retrain --no-release"


def run(workspace: Path, params: Params, refresh: bool, release: bool) -> str:
    """Run the flow once, here and now: the step `retrain`.

    Returns:
        What came of it, also where the gate refused.

    Raises:
        WaitsForPerson: A person must approve the candidate; then release it, or run this again.
        StepFailed: A step failed.
    """
    state = retrain(str(workspace), refresh, release, return_state=True)
    message = state.message or ""
    if not state.is_completed():
        raise StepFailed(message)
    if state.name == steps.WAITING:
        raise WaitsForPerson(message)
    return message


def summary(outcome: str) -> str:
    """Return what came of the run."""
    return outcome
