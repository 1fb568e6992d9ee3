"""The work pool, in which no run brings a command, an environment or a folder of its own."""

import contextlib
import json
from collections.abc import Callable
from pathlib import Path

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound

TEMPLATE = Path(__file__).with_name("pool.json")
# What Prefect's own template for processes lets a run say.
_OWN = ("command", "env", "working_dir")


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
