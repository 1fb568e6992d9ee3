"""The work pool, in which no run brings a command of its own, and from which a worker takes its own runs.

Workspaces may share a server and a pool, and a folder can move after `prefect deploy` noted it.
"""

import contextlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas import FlowRun
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import WorkerStatus
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.states import Failed

from flows import server
from pipeline.workspace import paths

TEMPLATE = Path(__file__).with_name("pool.json")
# What Prefect's own template for processes lets a run say.
_OWN = ("command", "env", "working_dir")
Whose = Literal["own", "elsewhere", "nowhere"]
_DEPLOY = "`prefect --no-prompt deploy --all`"


def demand_closed(client: SyncPrefectClient, name: str, say: Callable[[str], None]) -> None:
    """Make the pool closed where there is none yet, and say where there is an open one.

    Prefect's worker would make an open one.

    Args:
        client: Of the server.
        name: The pool's.
        say: Gets a line where a run can bring something of its own.
    """
    try:
        found = client.read_work_pool(name)
    except ObjectNotFound:
        closed = json.loads(TEMPLATE.read_text("utf-8"))
        with contextlib.suppress(ObjectAlreadyExists):  # another worker was sooner
            client.create_work_pool(WorkPoolCreate(name=name, type="process", base_job_template=closed))
        return
    own = [one for one in _OWN if one in found.base_job_template.get("job_configuration", {})]
    if own:
        say(
            f"runs of the work pool {name} can bring {', '.join(own)} of their own; wanted none, because "
            f"whoever starts one runs what they like here. Close it: prefect work-pool update {name} "
            f"--base-job-template flows/{TEMPLATE.name}"
        )


class Placement:
    """Tells a worker which of the runs that are due it may take."""

    def __init__(self, pool: str, names: Sequence[str], folders: Sequence[Path]) -> None:
        """Know the worker.

        Args:
            pool: Prefect's work pool.
            names: The worker's, at Prefect's server.
            folders: Those whose workspaces it works on; its own first.
        """
        self._pool, self._names, self._folders = pool, names, folders
        self._said: set[UUID] = set()

    def take(self, client: SyncPrefectClient, run: FlowRun, say: Callable[[str], None]) -> bool:
        """Return whether a run is this worker's; one that is nobody's is ended, with the reason.

        Args:
            client: Of the server.
            run: It is due.
            say: Gets a line for a run that is left alone, once.
        """
        try:
            begins = server.begins_in(client, run)
        except ObjectNotFound:  # its deployment is gone, which Prefect's worker says
            return True
        found = whose(begins, server.asked_for(run, begins), self._folders)
        if found == "own":
            return True
        if found == "nowhere" and not self._others(client):
            message = (
                f"its deployment begins in {begins}, and no workspace is there; this worker's is "
                f"{self._folders[0]}. Where the folder was moved, call {_DEPLOY} in it, and run it again"
            )
            say(f"ends the run {run.name}: {message}")
            client.set_flow_run_state(run.id, Failed(message=message), force=True)
        elif run.id not in self._said:
            self._said.add(run.id)
            say(f"leaves the run {run.name} to a worker of {begins}: this one's is {self._folders[0]}")
        return False

    def _others(self, client: SyncPrefectClient) -> bool:
        """Return whether another worker looks at the pool, perhaps of a machine that has the folder."""
        workers = client.read_workers_for_work_pool(self._pool)
        return any(one.status is WorkerStatus.ONLINE and one.name not in self._names for one in workers)


def whose(begins: Path | None, folder: Path | None, own: Sequence[Path]) -> Whose:
    """Return whose a run is.

    Args:
        begins: The folder that its deployment noted; None without one.
        folder: Its workspace, where somebody said so.
        own: The worker's folders.

    Example:
        >>> whose(Path("/nowhere/b"), None, [Path("/nowhere/a")])
        'nowhere'
    """
    if begins is None:
        return "own"
    try:
        there = (begins / paths.STAGES).is_file()
    except PermissionError:  # somebody else's
        return "elsewhere"
    if not there:
        return "nowhere"
    asked = [begins] if folder is None else [begins, folder]
    return "own" if any(one.is_relative_to(at) for one in asked for at in own) else "elsewhere"


def say_where(client: SyncPrefectClient, workspace: Path, say: Callable[[str], None]) -> None:
    """Say where no deployment begins in a workspace, whose schedule then starts nothing.

    Deployments of two workspaces that have one name are one: the last `prefect deploy` has it.

    Args:
        client: Of the server.
        workspace: The worker's.
        say: Gets a line.
    """
    begin = server.beginnings(client, "retrain")
    if workspace not in begin.values():
        others = ", ".join(f"{name} begins in {at}" for name, at in sorted(begin.items())) or "there is none"
        say(
            f"no deployment of retrain begins in {workspace} ({others}); wanted one. Call {_DEPLOY} here; "
            "where the other one is another workspace's, give this one's another name in prefect.yaml first"
        )
