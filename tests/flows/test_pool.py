import json
from collections.abc import Iterator

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings
from prefect.workers.process import ProcessWorker

from flows import pool
from tests.flows.server import PASSWORD, Prefect


@pytest.fixture
def client(prefect: Prefect) -> Iterator[SyncPrefectClient]:
    settings = {PREFECT_API_URL: prefect.url, PREFECT_API_AUTH_STRING: PASSWORD}
    with temporary_settings(settings), get_client(sync_client=True) as found:
        yield found


def test_pool_that_is_missing_is_made_closed(client: SyncPrefectClient) -> None:
    said: list[str] = []
    for _ in range(2):
        pool.demand_closed(client, "made-by-a-worker", said.append)
    found = client.read_work_pool("made-by-a-worker")
    assert (found.type, found.base_job_template) == ("process", json.loads(pool.TEMPLATE.read_text("utf-8")))
    assert said == []


def test_pool_whose_runs_bring_commands_is_said(client: SyncPrefectClient) -> None:
    """As Prefect makes one where nobody gives it a template."""
    template = ProcessWorker.get_default_base_job_template()
    client.create_work_pool(WorkPoolCreate(name="open", type="process", base_job_template=template))
    said: list[str] = []
    pool.demand_closed(client, "open", said.append)
    assert said[0].startswith("runs of the work pool open can bring command, env, working_dir of their own; ")
    assert said[0].endswith("prefect work-pool update open --base-job-template flows/pool.json")
