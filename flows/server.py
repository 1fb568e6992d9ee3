"""What a run asks Prefect's server and tells it, so that neither's end is the other's.

The server may be away at any time: what is asked of it in passing fails with a warning, and the run's end
waits until it can be told.
"""

import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas import FlowRun, State
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.responses import DeploymentResponse
from prefect.exceptions import ObjectNotFound, PrefectException
from prefect.settings import PREFECT_API_URL, PREFECT_WORKER_QUERY_SECONDS
from prefect.states import Cancelled, Crashed, Scheduled
from prefect.utilities.urls import url_for

from flows import lifelines
from flows.process import StepStopped

Answer = TypeVar("Answer")
# What a call of the client raises where the server is away, restarts, or answers something else.
AWAY = (httpx.HTTPError, PrefectException)
GOES_ON = "The next run goes on from the last checkpoint"
# A run that comes again bears this tag and the number of times; one that dies each time must end.
_AGAIN = "again-"
_MOST_AGAIN = 3
_SECONDS_BETWEEN_TRIES = 5.0
_HOURS_TO_BE_TOLD = 72.0


class Watch:
    """Asks the server what somebody wants of a run while its steps run: its worker may not hear of it.

    Prefect's worker stops to hear of cancellations where the server was restarted.
    """

    def __init__(self, run: UUID | None) -> None:
        self._run = run
        self._ended = threading.Event()
        self.asked: State | None = None

    def __enter__(self) -> "Watch":
        """Begin to ask, where there is a server that outlives this process."""
        if self._run is not None and PREFECT_API_URL.value():
            threading.Thread(target=self._ask, args=[self._run], daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Ask no more."""
        self._ended.set()

    def stop(self) -> bool:
        """Return whether the run shall end: it was cancelled, suspended, or closed by somebody."""
        return self.asked is not None

    def sleep(self, seconds: float) -> None:
        """Wait, and no longer than somebody wants.

        Raises:
            StepStopped: The run shall end.
        """
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self.stop():
                raise StepStopped
            time.sleep(min(0.5, left))

    def _ask(self, run: UUID) -> None:
        while not self._ended.wait(PREFECT_WORKER_QUERY_SECONDS.value()):
            try:
                with get_client(sync_client=True) as client:
                    state = client.read_flow_run(run).state
            except AWAY:
                continue
            if state is not None and (state.is_cancelling() or state.is_paused() or state.is_final()):
                self.asked = state
                return


def passing(
    run: UUID, say: Callable[[str], None], tell: Callable[[SyncPrefectClient, FlowRun], Answer]
) -> Answer | None:
    """Ask or tell the server something that the run does not need.

    Args:
        run: The run.
        say: Gets a line where that fails.
        tell: Gets a client, and the run as the server knows it.

    Returns:
        What `tell` returns; None where the server is away.
    """
    try:
        with get_client(sync_client=True) as client:
            return tell(client, client.read_flow_run(run))
    except AWAY as error:
        say(f"Prefect's server could not be told: {error}")
        return None


def until_there(say: Callable[[str], None]) -> None:
    """Wait for a server that is away, since a run's end that nobody is told leaves it *Running*.

    Args:
        say: Gets a line at first.
    """
    if not PREFECT_API_URL.value():
        return
    end, said = time.monotonic() + 3600 * _HOURS_TO_BE_TOLD, False
    while time.monotonic() < end:
        with get_client(sync_client=True) as client:
            error = client.api_healthcheck()
        if error is None:
            return
        if not said:
            say(f"Prefect's server does not answer ({type(error).__name__}): the run's end waits for it")
            said = True
        time.sleep(_SECONDS_BETWEEN_TRIES)


def close_dead(workspace: Path, client: SyncPrefectClient, say: Callable[[str], None]) -> None:
    """Tell the server of the runs whose process died on this workspace; a deployment's come again.

    So does one that Prefect's worker has called *Crashed*: the run itself could not see to that.
    """
    for life in lifelines.dead(workspace):
        try:
            run = client.read_flow_run(UUID(life.run))
        except ObjectNotFound:
            lifelines.forget(workspace, life.run)
            continue
        state = run.state
        if state is not None and (state.is_running() or state.is_cancelling()):
            say(f"closes the run {run.name}, whose process is gone")
            close(client, run, life)
        elif state is not None and state.is_crashed() and life.ended is None and again(client, run):
            say(f"the run {run.name}, whose process was killed, comes again")
        lifelines.forget(workspace, life.run)


def close_lost(workspace: Path, worker: str, client: SyncPrefectClient, say: Callable[[str], None]) -> None:
    """Tell the server of the runs that a worker of this name was given before, and that never began."""
    asked = FlowRunFilter(
        state=FlowRunFilterState(
            type=FlowRunFilterStateType(any_=[StateType.PENDING, StateType.RUNNING, StateType.CANCELLING])
        )
    )
    for run in client.read_flow_runs(flow_run_filter=asked):
        folder = folder_of(client, run) or workspace
        if run.labels.get("prefect.worker.name") == worker and not lifelines.lives(folder, str(run.id)):
            say(f"closes the run {run.name}, which was given to this worker before it ended")
            close(client, run, next((one for one in lifelines.dead(folder) if one.run == str(run.id)), None))
            lifelines.forget(folder, str(run.id))


def close(client: SyncPrefectClient, run: FlowRun, life: lifelines.Life | None) -> None:
    """Set the state of a run whose process is gone: its own end, where it came so far, else *Crashed*."""
    if run.state is not None and run.state.is_cancelling():
        state: State = Cancelled(message="cancelled, and its process is gone")
    elif life is not None and life.type is not None:
        state = State(type=StateType(life.type), name=life.name, message=life.message)
    else:
        at = f" in `{life.step}`" if life is not None and life.step is not None else ""
        state = Crashed(
            message=f"its process was killed{at}, or its machine stopped, before it could say so. {GOES_ON}"
        )
    client.set_flow_run_state(run.id, state, force=True)
    if state.is_crashed():
        again(client, run)


def again(client: SyncPrefectClient, run: FlowRun, hours: float = 0.0) -> bool:
    """Have a run of a deployment come again; returns whether it does.

    It does not where one that the schedule made comes sooner, or where it came again three times already.
    """
    if run.deployment_id is None:
        return False
    at = datetime.now(UTC) + timedelta(hours=hours)
    times = max([0, *(int(tag.removeprefix(_AGAIN)) for tag in run.tags if _is_again(tag))])
    if times >= _MOST_AGAIN or scheduled(client, run.deployment_id, at):
        return False
    client.create_flow_run_from_deployment(
        run.deployment_id,
        parameters=run.parameters,
        state=Scheduled(scheduled_time=at),
        tags=[f"{_AGAIN}{times + 1}"],
    )
    return True


def end_missed(client: SyncPrefectClient, run: FlowRun, say: Callable[[str], None]) -> None:
    """End the runs that the schedule made while nobody could run them: this one does the work of them all."""
    if run.deployment_id is None:
        return
    for one in scheduled(client, run.deployment_id, datetime.now(UTC)):
        if one.auto_scheduled and one.id != run.id:
            say(f"ends the run {one.name}, which the schedule made for {one.expected_start_time}: missed")
            message = f"missed, because nothing could run then: the run {run.id} does its work"
            client.set_flow_run_state(one.id, Cancelled(message=message), force=True)


def scheduled(client: SyncPrefectClient, deployment: UUID, before: datetime) -> list[FlowRun]:
    """Return the runs of a deployment that shall begin before a time and have not."""
    return client.read_flow_runs(
        deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[deployment])),
        flow_run_filter=FlowRunFilter(
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED])),
            expected_start_time=FlowRunFilterExpectedStartTime.model_validate({"before_": before}),
        ),
    )


def folder_of(client: SyncPrefectClient, run: FlowRun) -> Path | None:
    """Return the workspace of a run; None where that is a folder of which only its own process knows."""
    return asked_for(run, None) or asked_for(run, begins_in(client, run))


def asked_for(run: FlowRun, begins: Path | None) -> Path | None:
    """Return the workspace of a run that begins in a folder; None where that folder alone would say it."""
    asked = Path(str(run.parameters.get("workspace", ".")))
    if asked.is_absolute():
        return asked.resolve()
    return None if begins is None else (begins / asked).resolve()


def begins_in(client: SyncPrefectClient, run: FlowRun) -> Path | None:
    """Return the folder in which a deployment's run begins; None where it has none.

    Raises:
        ObjectNotFound: Its deployment is gone.
    """
    return _begins(client.read_deployment(run.deployment_id)) if run.deployment_id is not None else None


def beginnings(client: SyncPrefectClient, flow: str) -> dict[str, Path | None]:
    """Return the folder in which each deployment of a flow begins, by the deployment's name."""
    asked = FlowFilter(name=FlowFilterName(any_=[flow]))
    return {f"{flow}/{one.name}": _begins(one) for one in client.read_deployments(flow_filter=asked)}


def _begins(deployment: DeploymentResponse) -> Path | None:
    for step in deployment.pull_steps or []:
        for name, given in step.items():
            if name.endswith(".set_working_directory"):  # as `prefect deploy` notes it
                return Path(given["directory"]).resolve()
    return None


def form(client: SyncPrefectClient, workspace: Path, candidate: str) -> str | None:
    """Return the address of the form of the deployment that decides what waits; None where there is none.

    Args:
        client: Of the server.
        workspace: Filled in; its deployment is taken, where there are several.
        candidate: Filled in, so that no other one is decided than the one that was looked at.
    """
    asked = FlowFilter(name=FlowFilterName(any_=["approve"]))
    found = client.read_deployments(flow_filter=asked)
    at = [one for one in found if _begins(one) == workspace]
    address = url_for("deployment", obj_id=(at or found)[0].id) if found else None
    filled_in = json.dumps({"candidate": candidate[:12], "workspace": str(workspace)})
    return f"{address}/run?parameters={quote(filled_in, safe='')}" if address else None


def _is_again(tag: str) -> bool:
    return tag.startswith(_AGAIN) and tag.removeprefix(_AGAIN).isdecimal()
