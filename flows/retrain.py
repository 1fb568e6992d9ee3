"""The flow: every step in order, each where DVC says it is needed, and a release of what passed the gate."""

import os
import signal
from argparse import ArgumentParser
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas import FlowRun, State
from prefect.exceptions import Pause, TerminationSignal
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.states import Cancelled, Completed, Crashed, Failed

from flows import child, server, steps
from flows.lifelines import Lifeline
from flows.process import StepStopped
from flows.views import decision_page, markup, moved_page, report, terminal
from pipeline.commands import clean
from pipeline.errors import EndedBySignal, InvalidWorkspace, PipelineError, StepFailed, WaitsForPerson
from pipeline.params import Params, load
from pipeline.preflight import moved_rows
from pipeline.publishing import waiting
from pipeline.records import Verdict
from pipeline.workspace import approvals, backup, locks, paths

RELEASED = "Released"
REFUSED = "Refused"
# The folders, one of which a run's workspace must be or lie in: those that the worker was started for.
WORKSPACES = "KATMAN_WORKSPACES"
# A run that failed because the Hub was away comes again then.
_HOURS_TO_COME_AGAIN = 1.0


class End(NamedTuple):
    """How a run ended.

    Attributes:
        did: What it did, in a few words: the run's name.
        page: Markdown for the run's page.
        again_hours: It comes again after so many; None where it does not.
    """

    state: State[None]
    did: str
    page: str
    again_hours: float | None = None


@flow(name="retrain", persist_result=False)
def retrain(workspace: str = ".", refresh: bool = True, release: bool = True) -> State[None]:
    """Keep the workspace's model fresh.

    Args:
        workspace: The folder with `params.yaml` and `dvc.yaml`.
        refresh: Ask the Hub for newer revisions first; without it, the pinned ones stand.
        release: Push a candidate that passed the gate; without it, the run ends with the verdict.

    Returns:
        Completed under the name of what came of it: "Released", "Refused" by the gate, "Waiting" for a
        person, "Skipped" where nothing moved; or just Completed where it was told not to release. Failed with
        the step's message, Crashed where the run was ended from outside, or Cancelled.
    """
    folder, log = Path(workspace).resolve(), get_run_logger()
    run = UUID(flow_run.get_id())
    try:
        refuse_elsewhere(folder)
        life = Lifeline(folder, str(run))
    except PipelineError as error:
        return Failed(message=str(error))
    except OSError as error:
        return Failed(message=steps.of_full_disk(error))
    end_with_worker()

    def clear(client: SyncPrefectClient, own: FlowRun) -> None:
        server.close_dead(folder, client, log.info)
        server.end_missed(client, own, log.info)

    server.passing(run, log.warning, clear)
    with server.Watch(run) as watch:
        end = _locked(folder, run, watch, life, refresh, release)
    state = end.state
    life.end(str(state.type.value), state.name or "", state.message or "")
    server.until_there(log.warning)
    if watch.asked is not None and watch.asked.is_paused():
        raise Pause(state=watch.asked)

    def tell(client: SyncPrefectClient, own: FlowRun) -> None:
        client.set_flow_run_name(run, end.did)
        create_markdown_artifact(key="retrain", markdown=end.page, description=markup.plain(end.did))
        if end.again_hours is not None and server.again(client, own, end.again_hours):
            log.info("this run comes again in %.0f hours", end.again_hours)

    server.passing(run, log.warning, tell)
    return state


def _locked(
    folder: Path, run: UUID, watch: server.Watch, life: Lifeline, refresh: bool, release: bool
) -> End:
    """Run the steps as soon as nobody else writes to the workspace."""
    log = get_run_logger()
    saying = locks.saying(log.info)

    def stopping(holder: locks.Holder, seconds: float) -> None:
        saying(holder, seconds)
        if watch.stop():
            raise StepStopped

    try:
        with locks.hold(folder, "retrain", waiting=stopping) as held:
            assert held is not None  # this process works for nobody
            return _run(steps.Work(folder, held, watch, life), refresh, release)
    except StepStopped:
        return _ended(Cancelled(message="cancelled while it waited for the workspace"), "cancelled")
    except (TerminationSignal, SystemExit):  # Prefect's console ends a process whose output nobody reads
        _leave_alone()
        asked = server.passing(run, log.warning, lambda client, own: own.state)
        if asked is not None and (asked.is_cancelling() or asked.is_paused()):
            life.end(asked.type.value, asked.name or "", f"ended by a person. {server.GOES_ON}")
            raise  # Prefect's worker asked for it, and its engine says so
        message = f"ended from outside by SIGTERM. {server.GOES_ON}"
        return _ended(Crashed(message=message), "ended from outside")._replace(again_hours=0.0)
    except PipelineError as error:
        return _ended(Failed(message=str(error)), "failed")
    except OSError as error:
        return _ended(Failed(message=steps.of_full_disk(error)), "failed")


def _run(work: steps.Work, refresh: bool, release: bool) -> End:
    """Run the steps in a workspace that is locked."""
    put_up = _put_up(work)
    if put_up is not None and not put_up.free:
        message = (
            f"{put_up.waiting.version} waits for a person, since {put_up.waiting.since}; nothing was touched"
        )
        end = _ended(Completed(name=steps.SKIPPED, message=message), f"{put_up.waiting.version} waits still")
        return end._replace(
            page=f"{end.page}\n{decision_page.where(work.workspace, _form(work, put_up.waiting.candidate))}\n"
        )
    refresh = refresh and put_up is None  # what was approved goes out as it was judged
    unchanged = True
    for step in [steps.CHECK, *([steps.REFRESH] if refresh else []), *steps.STAGES]:
        state = _await(step, work)
        if not state.is_completed():
            return _failed(step, state)
        if step is steps.REFRESH:
            _tell_moved(work)
        unchanged = unchanged and (step not in steps.STAGES or state.name == steps.SKIPPED)

    for warning in backup.keep_log(work.workspace, load(work.workspace)):
        get_run_logger().warning("%s", warning)
    if load(work.workspace).tracking is not None:
        told = _await(steps.TRACK, work)
        if not told.is_completed():  # a tracker is no reason to keep a model back
            get_run_logger().warning("%s", told.message)
    end = _release(work, release, unchanged)
    if not unchanged:
        _clean(work.workspace)
    if end.state.is_completed():
        message = end.state.message or ""
        get_run_logger().info("%s", message)
        if end.state.name == steps.WAITING:
            form = _form(work, Verdict.load(work.workspace / paths.RECORDS["gate"]).candidate)
            said = decision_page.to_decide(work.workspace, load(work.workspace), form)
            page = report.page(work.workspace, end.did, said, decision_page.card(work.workspace))
        else:
            page = report.page(work.workspace, end.did, markup.message(message))
        return end._replace(page=page)
    return end


def _tell_moved(work: steps.Work) -> None:
    """Put what moved in the data set on the run's page."""
    found = moved_rows.read(work.workspace)
    if found is not None:
        server.passing(
            UUID(flow_run.get_id()),
            get_run_logger().warning,
            lambda client, own: create_markdown_artifact(key="data", markdown=moved_page.moved(found)),
        )


def _put_up(work: steps.Work) -> waiting.PutUp | None:
    """Return what a run before put up for a person, unless it has waited for too long by now."""
    params = load(work.workspace)
    found = waiting.put_up(work.workspace, params)
    if found is None or found.free:
        return found
    with locks.hold(work.workspace, "reject", "main", locks.saying(get_run_logger().info)):
        no = waiting.expire(work.workspace, params, found.waiting)
    if no is None:
        return found
    get_run_logger().warning("%s is rejected: %s", found.waiting.version, no.reason)
    return None


def _form(work: steps.Work, candidate: str) -> str | None:
    """Return the address of the form in which a person decides; None where no server has one."""
    return server.passing(
        UUID(flow_run.get_id()),
        get_run_logger().warning,
        lambda client, _: server.form(client, work.workspace, candidate),
    )


def _clean(folder: Path) -> None:
    """Remove what only takes up disk; a run does not fail for it."""
    try:
        found = clean.run(folder, load(folder), remove=True)
    except PipelineError as error:
        get_run_logger().warning("nothing was cleaned up: %s", error)
        return
    if found.size:
        get_run_logger().info("%s", clean.summary(found))


def _release(work: steps.Work, wanted: bool, unchanged: bool) -> End:
    """Release the candidate where there is something to release; returns the run's end."""
    verdict = Verdict.load(work.workspace / paths.RECORDS["gate"])
    if not verdict.passed:
        message = f"refused by the gate: {report.refusal(verdict)}"
        return _ended(Completed(name=REFUSED, message=message), f"refused at look {verdict.look}")
    no = approvals.rejection(work.workspace, verdict.candidate)
    if no is not None:
        message = f"the same candidate, which {no.name} rejected ({no.rejected_at}): {no.reason}"
        return _ended(Completed(name=steps.SKIPPED, message=message), "rejected before")
    before = report.receipt_of(work.workspace, verdict.candidate)
    if unchanged and before is not None:
        message = f"unchanged: every step skipped, {report.standing(work.workspace, before)}"
        return _ended(Completed(name=steps.SKIPPED, message=message), "unchanged")
    if not wanted:
        message = "passed the gate; not released, because this run was told not to"
        return _ended(Completed(message=message), "passed, not released")
    state = _await(steps.RELEASE, work)
    if not state.is_completed():
        return _failed(steps.RELEASE, state)
    if state.name == steps.WAITING:
        waits = waiting.begin(work.workspace, load(work.workspace), verdict)
        return _ended(state, f"{waits.version} waits for a person")
    receipt = report.receipt_of(work.workspace, verdict.candidate)
    if receipt is None:
        message = "release: it ended well but left no receipt for this candidate in receipts/"
        return _ended(Failed(message=message), "failed in release")
    if before is not None and before.commit == receipt.commit:
        message = f"the steps that ran gave the same candidate, {report.standing(work.workspace, before)}"
        return _ended(Completed(name=steps.SKIPPED, message=message), "unchanged")
    message = f"released {receipt.version}: {receipt.repo} at {receipt.commit}"
    return _ended(Completed(name=RELEASED, message=message), f"released {receipt.version}")


def _await(step: steps.Step, work: steps.Work) -> State[None]:
    """Run one step's task to its end; returns a state that the flow can end with."""
    state: State[None] = step(work, return_state=True)  # type: ignore[assignment]
    if state.is_completed():
        return Completed(name=state.name, message=state.message)
    if state.is_cancelled():
        return Cancelled(message=state.message)
    if state.is_crashed():
        return Crashed(message=state.message)
    return Failed(name=state.name, message=state.message)


def _failed(step: steps.Step, state: State[None]) -> End:
    """Return the end of a run of which a step failed or was ended."""
    if state.is_cancelled():
        return _ended(state, f"cancelled in {step.name}")
    if state.is_crashed():
        return _ended(state, "ended from outside")._replace(again_hours=0.0)
    again = _HOURS_TO_COME_AGAIN if state.name == steps.UNAVAILABLE else None
    return _ended(Failed(message=state.message), f"failed in {step.name}")._replace(again_hours=again)


def _ended(state: State[None], did: str) -> End:
    """Return an end whose page says no more than its state."""
    return End(state, did, report.short(did, state.message or ""))


def refuse_elsewhere(folder: Path) -> None:
    """Refuse what is no workspace, or none that the worker was started for."""
    if not (folder / ".dvc").is_dir() or not (folder / paths.STAGES).is_file():
        raise InvalidWorkspace(f"{folder} is not a workspace: it has no .dvc folder or no dvc.yaml")
    asked = os.environ.get(WORKSPACES)
    allowed = (
        [Path(one) for one in asked.split(os.pathsep)] if asked else [Path(__file__).resolve().parents[1]]
    )
    if not any(folder.is_relative_to(one) for one in allowed):
        raise InvalidWorkspace(
            f"the run's workspace is {folder}; wanted one that its worker was started for: "
            f"{', '.join(map(str, allowed))}. Start a worker there, or correct the parameter `workspace`"
        )


def end_with_worker() -> None:
    """Get a SIGTERM when the worker that started this run dies, however it dies."""
    if os.environ.get("PREFECT__FLOW_RUN_ID"):
        child.end_with_parent()


def _leave_alone() -> None:
    """Let nothing more come between an ended run and what it has to tell: no signal, and no closed pipe."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if os.environ.get("PREFECT__FLOW_RUN_ID"):  # the pipe's other end is the worker
        with Path(os.devnull).open("w") as nowhere:
            for place in (1, 2):
                os.dup2(nowhere.fileno(), place)


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
        EndedBySignal: Somebody pressed Ctrl-C.
    """
    os.environ[WORKSPACES] = str(workspace)
    terminal.begin()
    try:
        state = retrain(str(workspace), refresh, release, return_state=True)
    except KeyboardInterrupt:
        raise EndedBySignal(f"ended by Ctrl-C. {server.GOES_ON}") from None
    message = state.message or ""
    if not state.is_completed():
        raise StepFailed(message)
    terminal.tables(workspace)
    if state.name == steps.WAITING:
        raise WaitsForPerson(message)
    return message


def summary(outcome: str) -> str:
    """Return what came of the run."""
    return outcome
