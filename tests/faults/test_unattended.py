"""Minutes without a server: the training goes on, and what was asked of it meanwhile is heard."""

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest

from tests.flows.server import Prefect, alive, prepare, start, start_worker, until
from tests.flows.toy import make_toy

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]

# Longer than Prefect's worker goes on without a server, and than its leases.
AWAY_SECONDS = float(os.environ.get("FAULTS_AWAY_SECONDS", "600"))
# Of a live server and worker.
SECONDS_TO_BE_RIGHT = 120


@dataclass
class Place:
    """A toy whose training goes on until there is a file `go`, its worker, and a server that can die."""

    prefect: Prefect
    toy: Path
    server: Any
    worker: Any

    def begin(self) -> list[psutil.Process]:
        (self.toy / "say").write_text("until train", "utf-8")
        self.prefect.cli("deployment", "run", "retrain/production", "--param", f"workspace={self.toy}")
        until((self.toy / "pids").exists, 120)
        return [psutil.Process(self.worker.pid), *psutil.Process(self.worker.pid).children(recursive=True)]

    def ends(self) -> dict[str, Any]:
        def ended() -> dict[str, Any] | None:
            run = self.prefect.runs_on(self.toy)[-1]
            return run if run["end_time"] else None

        run = until(ended, SECONDS_TO_BE_RIGHT)
        assert run is not None
        return run


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    prefect = prepare(tmp_path / "home")
    toy = make_toy(tmp_path / "toy")
    with start(prefect) as server:
        made = ("work-pool", "create", "katman", "--type", "process")
        prefect.cli(*made, "--base-job-template", "flows/pool.json")
        prefect.cli("deploy", "--all")
        with start_worker(prefect, tmp_path) as worker:
            yield Place(prefect, toy, server, worker)
            (toy / "go").touch()


def kill(place: Place) -> None:
    for process in [*psutil.Process(place.server.pid).children(recursive=True), place.server]:
        process.kill()
    place.server.wait()


def test_training_goes_on_while_the_server_is_away_and_its_end_is_told(place: Place) -> None:
    processes = place.begin()
    kill(place)
    end = time.monotonic() + AWAY_SECONDS
    while time.monotonic() < end:
        assert all(alive(process.pid) for process in processes)
        time.sleep(5)
    (place.toy / "go").touch()
    until(lambda: list((place.toy / "receipts").glob("*.json")), 120)  # without a server too
    with start(place.prefect):
        run = place.ends()
    assert (run["state"]["name"], run["name"]) == ("Released", "released v1")


def test_run_is_cancelled_whose_server_was_restarted(place: Place) -> None:
    processes = place.begin()
    kill(place)
    with start(place.prefect):
        (run,) = place.prefect.runs_on(place.toy)
        place.prefect.cli("flow-run", "cancel", run["id"])
        assert place.ends()["state"]["type"] == "CANCELLED"
        until(lambda: not any(alive(process.pid) for process in processes[1:]), 60)
        assert place.worker.poll() is None


def test_run_goes_on_where_it_was_when_its_machine_is_suspended(place: Place) -> None:
    processes = place.begin()
    server = [psutil.Process(place.server.pid), *psutil.Process(place.server.pid).children(recursive=True)]
    for process in [*processes, *server]:
        process.send_signal(signal.SIGSTOP)
    time.sleep(60)
    for process in [*server, *processes]:
        process.send_signal(signal.SIGCONT)
    (place.toy / "go").touch()
    assert place.ends()["state"]["name"] == "Released"
