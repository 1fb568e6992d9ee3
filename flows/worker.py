"""`worker`: run what is scheduled for this workspace, one run at a time, for as long as the machine is up.

It is Prefect's process worker, with four differences. It closes what it left when it last died; a run of its
own that was killed comes again; a server that is away does not end it, nor the run that goes on; and a
SIGTERM ends that run gently: it may write a checkpoint and tell its end before the worker goes.
"""

import contextlib
import hashlib
import logging
import os
import platform
import signal
import time
from argparse import ArgumentParser
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import anyio
import httpx
import psutil  # type: ignore[import-untyped]
from prefect.client.orchestration import get_client
from prefect.client.schemas import FlowRun
from prefect.client.schemas.responses import WorkerFlowRunResponse
from prefect.settings import PREFECT_API_URL, PREFECT_WORKER_QUERY_SECONDS
from prefect.workers.process import ProcessWorker

from flows import lifelines, server
from flows.pool import Placement, demand_closed, say_where
from flows.retrain import WORKSPACES
from pipeline.errors import InvalidWorkspace
from pipeline.workspace import locks

# The queue of prefect.yaml's deployment `approve`.
DECISIONS = "decisions"
_LOG = logging.getLogger("prefect.worker.katman")
# The flow gives its step 40 of them, and tells its end then.
SECONDS_TO_STOP = 75.0
_SECONDS_BETWEEN_LINES = 3600.0


def arguments(parser: ArgumentParser) -> None:
    """Register the pool, and for which further workspaces runs may be taken."""
    parser.add_argument("--pool", default="katman", help="Prefect's work pool (default: katman)")
    parser.add_argument(
        "--also",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="a further folder whose workspaces may be worked on",
    )
    parser.epilog = "example:\n  katman worker --pool katman"


def run(workspace: Path, pool: str, also: list[Path]) -> str:
    """Work until a SIGTERM, SIGINT or SIGHUP.

    Args:
        workspace: The workspace; only runs on it, or below it, are taken.
        pool: Prefect's work pool, of the type `process`.
        also: Further folders of workspaces.

    Raises:
        InvalidWorkspace: There is no server to work for.
        WorkspaceHeld: A worker of this workspace is at work.
    """
    if not PREFECT_API_URL.value():
        raise InvalidWorkspace(
            "PREFECT_API_URL is not set; wanted the address of Prefect's server. Set it as docs/operating.md "
            "says"
        )
    tmp = workspace / ".dvc" / "tmp"
    tmp.mkdir(parents=True, exist_ok=True)
    os.environ[WORKSPACES] = os.pathsep.join(str(one) for one in (workspace, *also))
    with locks.hold_file(tmp / "worker.lock", "worker", f"the runs of {workspace}"):
        name = f"katman-{platform.node()}-{hashlib.sha256(str(workspace).encode()).hexdigest()[:8]}"
        server.until_there(_LOG.warning)
        with get_client(sync_client=True) as client:
            demand_closed(client, pool, _LOG.warning)
            say_where(client, workspace, _LOG.warning)
            server.close_dead(workspace, client, _LOG.warning)
            for one in (name, decisions_of(name)):
                server.close_lost(workspace, one, client, _LOG.warning)
        anyio.run(_work, pool, name, [workspace, *also])
    return "the worker has ended"


def summary(said: str) -> str:
    """Return that it ended."""
    return said


async def _work(pool: str, name: str, folders: list[Path]) -> None:
    """Run Prefect's worker until it is asked to end."""
    taken: dict[UUID, FlowRun] = {}
    ending = anyio.Event()
    place = Placement(pool, [name, decisions_of(name)], folders)
    trains = _worker(ending, ProcessWorker(work_pool_name=pool, name=name, limit=1), taken, place)
    # A person's decision does not wait for a training: it has a queue, and a worker of its own for that.
    decides = ProcessWorker(work_pool_name=pool, work_queues=[DECISIONS], name=decisions_of(name), limit=1)
    async with anyio.create_task_group() as group:
        group.start_soon(_end_gently, ending, group.cancel_scope)
        group.start_soon(_follow_up, folders[0], taken)
        group.start_soon(_worker(ending, decides, taken, place).start)
        await trains.start()


def _worker(
    ending: anyio.Event, worker: ProcessWorker, taken: dict[UUID, FlowRun], place: Placement
) -> ProcessWorker:
    """Make Prefect's worker one that no server that is away ends, and that takes and notes its own runs."""
    # Prefect's worker counts their failures, and at the twelfth in a row ends itself and its run.
    absence = Absence(_LOG.warning)
    for method in ("get_and_submit_flow_runs", "_sync_and_initialize"):
        setattr(worker, method, _patient(getattr(worker, method), ending, absence))
    submit, scheduled = worker._submit_run, worker._get_scheduled_flow_runs

    async def own() -> list[WorkerFlowRunResponse]:
        found = await scheduled()
        return await anyio.to_thread.run_sync(_own, found, place, set(worker._submitting_flow_run_ids))

    async def submitted(run: FlowRun) -> None:
        taken[run.id] = run
        try:
            await submit(run)
        except httpx.HTTPError as error:  # which would end the worker; the run is still there to be taken
            _LOG.warning("the run %s could not be taken: %s", run.name, error)
            worker._submitting_flow_run_ids.discard(run.id)
            worker._release_limit_slot(run.id)

    setattr(worker, "_submit_run", submitted)  # noqa: B010
    setattr(worker, "_get_scheduled_flow_runs", own)  # noqa: B010
    return worker


def _own(
    found: list[WorkerFlowRunResponse], place: Placement, known: set[UUID]
) -> list[WorkerFlowRunResponse]:
    """Return the runs that are the worker's; of those that it is taking already nobody is asked."""
    if not found:
        return []
    with get_client(sync_client=True) as client:
        return [
            one for one in found if one.flow_run.id in known or place.take(client, one.flow_run, _LOG.warning)
        ]


def decisions_of(name: str) -> str:
    """Return the name of the worker that takes decisions beside one that trains."""
    return f"{name}-{DECISIONS}"


class Absence:
    """Knows since when the server does not answer, and says so once and each hour, and when it is back."""

    def __init__(self, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with a server that is there.

        Args:
            say: Gets each line.
            clock: Seconds.
        """
        self._say, self._clock = say, clock
        self._since: float | None = None
        self._said = 0.0

    def failed(self, how: str) -> None:
        """Take in that it did not answer, and how it did not."""
        now = self._clock()
        if self._since is None:
            self._since = self._said = now
            self._say(f"Prefect's server {how}; the worker goes on, and so does its run")
        elif now - self._said >= _SECONDS_BETWEEN_LINES:
            self._said = now
            self._say(f"Prefect's server {how}, for {(now - self._since) / 3600:.0f} hours by now")

    def answered(self) -> None:
        """Take in that it did."""
        if self._since is not None:
            self._say(
                f"Prefect's server answers again, after {(self._clock() - self._since) / 60:.0f} minutes"
            )
            self._since = None


def _patient(
    ask: Callable[[], Awaitable[Any]], ending: anyio.Event, absence: Absence
) -> Callable[[], Awaitable[Any]]:
    """Return what asks the server, and takes it as no news where the server is away."""

    async def asked() -> Any:
        if ending.is_set():
            return []
        try:
            found = await ask()
        except httpx.TransportError as error:
            absence.failed(f"does not answer ({type(error).__name__})")
        except httpx.HTTPStatusError as error:
            if not error.response.is_server_error:
                raise
            absence.failed(f"answers {error.response.status_code}")
        else:
            absence.answered()
            return found
        return []

    return asked


async def _follow_up(workspace: Path, taken: dict[UUID, FlowRun]) -> None:
    """Look after each run that was taken: one whose process was killed is closed, and comes again."""
    gone: set[UUID] = set()
    while True:
        await anyio.sleep(PREFECT_WORKER_QUERY_SECONDS.value())
        if taken:
            # What goes wrong with a server that is away is tried again at the next look.
            with contextlib.suppress(*server.AWAY):
                await anyio.to_thread.run_sync(_look_after, workspace, taken, gone)


def _look_after(workspace: Path, taken: dict[UUID, FlowRun], gone: set[UUID]) -> None:
    """Settle the runs whose process is gone, at the second look: Prefect's worker tells their end at first.

    Args:
        workspace: Where a run works whose folder nobody else can know.
        taken: The runs, by id; those that are settled are removed.
        gone: Runs whose process was gone at the last look.
    """
    with get_client(sync_client=True) as client:
        for run in list(taken.values()):
            folder = server.folder_of(client, run) or workspace
            if not lifelines.began(folder, str(run.id)):
                state = client.read_flow_run(run.id).state
                if state is not None and state.is_final():  # refused, or told by somebody else
                    del taken[run.id]
            elif lifelines.lives(folder, str(run.id)):
                continue
            elif run.id not in gone:
                gone.add(run.id)
            else:
                server.close_dead(folder, client, _LOG.warning)
                gone.remove(run.id)
                del taken[run.id]


async def _end_gently(ending: anyio.Event, scope: anyio.CancelScope) -> None:
    """Wait for the first signal, ask the run to end, and end the worker then; further signals are ignored."""
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals:
        async for which in signals:
            if ending.is_set():
                continue
            ending.set()
            _LOG.warning("%s: the worker ends, and the run before it", which.name)
            runs = psutil.Process().children()
            for run in runs:
                run.terminate()
            with anyio.move_on_after(SECONDS_TO_STOP):
                while any(run.is_running() and run.status() != psutil.STATUS_ZOMBIE for run in runs):
                    await anyio.sleep(0.2)
            await anyio.sleep(2)  # Prefect's worker looks at how the run ended
            scope.cancel()
