import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas import FlowRun
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings
from prefect.workers.process import ProcessWorker

from flows import pool
from tests.flows.server import PASSWORD, ROOT, Prefect
from tests.flows.toy import make_toy


@pytest.fixture
def client(prefect: Prefect, deployed: None) -> Iterator[SyncPrefectClient]:
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


@pytest.fixture
def run_in(client: SyncPrefectClient, tmp_path: Path) -> Iterator[FlowRun]:
    """A run of a deployment that `prefect deploy` made in the folder `other`, where nothing is yet."""
    flow = client.read_deployment_by_name("retrain/production").flow_id
    step = {"prefect.deployments.steps.set_working_directory": {"directory": str(tmp_path / "other")}}
    made = client.create_deployment(flow, "other", pull_steps=[step])  # of no pool: no worker takes it
    yield client.create_flow_run_from_deployment(made)
    client.delete_deployment(made)


def ask(client: SyncPrefectClient, run: FlowRun, own: list[Path]) -> tuple[list[bool], list[str]]:
    """What a worker of these folders makes of a run at two looks, and what it says."""
    said: list[str] = []
    place = pool.Placement("katman", ["katman-test"], own)
    return [place.take(client, run, said.append) for _ in range(2)], said


def test_run_of_a_folder_that_is_gone_ends_with_the_reason(
    client: SyncPrefectClient, run_in: FlowRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool.Placement, "_others", lambda *_: False)
    took, said = ask(client, run_in, [tmp_path / "moved"])
    state = client.read_flow_run(run_in.id).state
    assert took == [False, False]
    assert state is not None
    assert state.is_failed()
    begins = f"its deployment begins in {tmp_path / 'other'}, and no workspace is there; this worker's is "
    assert (state.message or "").startswith(f"{begins}{tmp_path / 'moved'}. ")
    assert "prefect --no-prompt deploy --all" in said[0]


def test_run_of_a_folder_that_another_machine_may_have_is_left_to_its_worker(
    client: SyncPrefectClient, run_in: FlowRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool.Placement, "_others", lambda *_: True)
    took, said = ask(client, run_in, [tmp_path / "moved"])
    state = client.read_flow_run(run_in.id).state
    assert (took, len(said)) == ([False, False], 1)
    assert state is not None
    assert state.is_scheduled()


def test_run_of_another_workspace_is_left_to_its_worker(
    client: SyncPrefectClient, run_in: FlowRun, tmp_path: Path
) -> None:
    make_toy(tmp_path / "other")
    took, said = ask(client, run_in, [tmp_path / "mine"])
    assert took == [False, False]
    wanted = f"leaves the run {run_in.name} to a worker of {tmp_path / 'other'}: this one's is "
    assert said == [f"{wanted}{tmp_path / 'mine'}"]
    assert ask(client, run_in, [tmp_path / "mine", tmp_path / "other"]) == ([True, True], [])


def test_worker_alone_in_a_pool_has_no_others(client: SyncPrefectClient) -> None:
    client.send_worker_heartbeat("katman", "katman-test", 30)
    names = [one.name for one in client.read_workers_for_work_pool("katman")]
    assert not pool.Placement("katman", names, [ROOT])._others(client)
    assert pool.Placement("katman", ["katman-other"], [ROOT])._others(client)


def test_worker_is_told_that_no_deployment_begins_with_it(client: SyncPrefectClient, tmp_path: Path) -> None:
    said: list[str] = []
    pool.say_where(client, ROOT, said.append)
    assert said == []
    pool.say_where(client, tmp_path, said.append)
    assert said[0].startswith(f"no deployment of retrain begins in {tmp_path} (retrain/production begins in ")
