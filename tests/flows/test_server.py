"""What a run tells Prefect's server of itself and of the dead, and what that makes of it."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas import FlowRun
from prefect.settings import (
    PREFECT_API_AUTH_STRING,
    PREFECT_API_URL,
    PREFECT_WORKER_QUERY_SECONDS,
    temporary_settings,
)
from prefect.states import Cancelling, Crashed, Running, Scheduled

from flows import lifelines, server
from flows.process import StepStopped
from tests.flows.server import PASSWORD, Prefect


@pytest.fixture
def client(prefect: Prefect, deployed: None) -> Iterator[SyncPrefectClient]:
    """A client of the real server; the deployment has no run that waits."""
    settings = {PREFECT_API_URL: prefect.url, PREFECT_API_AUTH_STRING: PASSWORD}
    with temporary_settings(settings), get_client(sync_client=True) as found:
        yield found
        deployment = found.read_deployment_by_name("retrain/production")
        for run in server.scheduled(found, deployment.id, datetime.now(UTC) + timedelta(days=400)):
            found.delete_flow_run(run.id)


def made(client: SyncPrefectClient, workspace: Path, tags: tuple[str, ...] = ()) -> FlowRun:
    """A run on a workspace that is *Running* as far as the server knows."""
    deployment = client.read_deployment_by_name("retrain/production")
    for one in server.scheduled(client, deployment.id, datetime.now(UTC) + timedelta(days=400)):
        client.delete_flow_run(one.id)
    run = client.create_flow_run_from_deployment(
        deployment.id, parameters={"workspace": str(workspace)}, tags=list(tags)
    )
    client.set_flow_run_state(run.id, Running(), force=True)
    return client.read_flow_run(run.id)


def coming(client: SyncPrefectClient, run: FlowRun) -> list[FlowRun]:
    assert run.deployment_id is not None
    return server.scheduled(client, run.deployment_id, datetime.now(UTC) + timedelta(hours=5))


def leave(workspace: Path, run: FlowRun, **said: str) -> None:
    """What a run leaves whose process is gone."""
    folder = workspace / ".dvc" / "tmp" / "runs"
    folder.mkdir(parents=True, exist_ok=True)
    life = lifelines.Life(str(run.id), "2026-01-01T00:00:00+00:00", "train", **said)
    (folder / f"{run.id}.json").write_text(lifelines.dump(life), "utf-8")


def test_run_that_gave_up_for_the_hubs_sake_comes_in_an_hour_and_three_times(
    client: SyncPrefectClient, tmp_path: Path
) -> None:
    run = made(client, tmp_path)
    for times in (1, 2, 3):
        assert server.again(client, run, hours=1.0)
        (next_one,) = coming(client, run)
        assert next_one.expected_start_time is not None
        wait = next_one.expected_start_time.timestamp() - time.time()
        assert 58 * 60 < wait < 61 * 60
        assert (next_one.tags, next_one.parameters) == (
            [f"again-{times}"],
            {"workspace": str(tmp_path), **DEFAULTS},
        )
        assert not server.again(client, run, hours=2.0)  # one comes sooner
        client.set_flow_run_state(next_one.id, Running(), force=True)  # its hour has come
        run = client.read_flow_run(next_one.id)
    assert not server.again(client, run, hours=1.0)
    assert coming(client, run) == []


DEFAULTS = {"refresh": True, "release": True}


@pytest.mark.parametrize(
    ("said", "state", "again"),
    [
        ({}, ("CRASHED", "Crashed"), True),
        (
            {"ended": "2026-01-01T01:00:00+00:00", "type": "COMPLETED", "name": "Refused", "message": "no"},
            ("COMPLETED", "Refused"),
            False,
        ),
    ],
)
def test_dead_run_is_closed_as_it_ended(
    client: SyncPrefectClient, tmp_path: Path, said: dict[str, str], state: tuple[str, str], again: bool
) -> None:
    run = made(client, tmp_path)
    leave(tmp_path, run, **said)
    server.close_dead(tmp_path, client, print)
    found = client.read_flow_run(run.id).state
    assert found is not None
    assert (found.type.value, found.name) == state
    assert bool(coming(client, run)) is again
    assert lifelines.dead(tmp_path) == []


def test_dead_run_that_the_worker_called_crashed_comes_again_once(
    client: SyncPrefectClient, tmp_path: Path
) -> None:
    run = made(client, tmp_path)
    leave(tmp_path, run)
    client.set_flow_run_state(run.id, Crashed(message="status code: -9"), force=True)
    said: list[str] = []
    for _ in range(2):
        server.close_dead(tmp_path, client, said.append)
    assert len(said) == len(coming(client, run)) == 1
    state = client.read_flow_run(run.id).state
    assert state is not None
    assert state.message == "status code: -9"


def test_dead_run_that_was_being_cancelled_is_cancelled(client: SyncPrefectClient, tmp_path: Path) -> None:
    run = made(client, tmp_path)
    leave(tmp_path, run)
    client.set_flow_run_state(run.id, Cancelling(), force=True)
    server.close_dead(tmp_path, client, print)
    state = client.read_flow_run(run.id).state
    assert state is not None
    assert state.is_cancelled()
    assert coming(client, run) == []


def test_watch_hears_what_somebody_wants_of_a_run(client: SyncPrefectClient, tmp_path: Path) -> None:
    run = made(client, tmp_path)
    watch = server.Watch(run.id)
    watch.sleep(0.1)
    client.set_flow_run_state(run.id, Cancelling(), force=True)
    with temporary_settings({PREFECT_WORKER_QUERY_SECONDS: 0.1}):
        watch._ask(run.id)
    with pytest.raises(StepStopped):
        watch.sleep(30)
    assert watch.asked is not None
    assert watch.asked.is_cancelling()


def test_missed_schedules_are_ended_and_other_runs_are_not(client: SyncPrefectClient, tmp_path: Path) -> None:
    run = made(client, tmp_path)
    assert run.deployment_id is not None
    asked = client.create_flow_run_from_deployment(run.deployment_id, state=Scheduled())
    server.end_missed(client, run, print)
    assert [one.id for one in coming(client, run)] == [asked.id]


def test_folder_of_a_run_is_the_one_that_deploy_noted(client: SyncPrefectClient, tmp_path: Path) -> None:
    run = made(client, tmp_path)
    assert server.folder_of(client, run) == tmp_path.resolve()
    here = client.create_flow_run_from_deployment(
        run.deployment_id or UUID(int=0), parameters={"workspace": "."}
    )
    assert server.folder_of(client, here) == Path(__file__).resolve().parents[2]


def test_server_that_is_away_is_told_nothing_and_ends_nothing() -> None:
    said: list[str] = []
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        assert server.passing(UUID(int=1), said.append, lambda client, run: run) is None
    assert said[0].startswith("Prefect's server could not be told: ")
