"""Minutes without a server, a reboot, a Hub that stays away: what goes on, comes again, and ends."""

import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest

from pipeline.records import Training
from pipeline.workspace import paths
from tests.conftest import Make, Stage
from tests.flows.server import Prefect, alive, ended, prepare, start, start_worker, until
from tests.flows.toy import make_toy, steps_run
from tests.support.workspaces import set_params

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]

# Longer than Prefect's worker goes on without a server, and than its leases.
AWAY_SECONDS = float(os.environ.get("FAULTS_AWAY_SECONDS", "600"))
# Of a live server and worker.
SECONDS_TO_BE_RIGHT = 120
# What a run does whose training was ended in the run before.
FROM_TRAIN = ["check", "refresh", "train", "evaluate", "gate", "card", "release"]
# A training that takes a while, of 1200 steps.
LONG: dict[str, object] = {"train.epochs": 300, "train.eval_steps": 100, "hardware.save_minutes": 60}
_EPOCH = re.compile(r"'epoch': '?([\d.]+)")


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
        """Wait for the end of the first run."""

        def over() -> dict[str, Any] | None:
            run = self.prefect.runs_on(self.toy)[-1]
            return run if run["end_time"] else None

        run = until(over, SECONDS_TO_BE_RIGHT)
        assert run is not None
        return run

    def forget(self) -> None:
        """Have the training of the next run end at once."""
        for name in ("say", "pids", "go"):
            (self.toy / name).unlink(missing_ok=True)
        steps_run(self.toy)


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


def test_decision_is_told_to_a_server_that_was_away_for_longer_than_its_client_asks(place: Place) -> None:
    assert place.prefect.run_flow(place.toy, "--no-release")[0] == 0
    (place.toy / "say").write_text("until approve", "utf-8")
    given = ("decision=approve", "name=Ada", "reason=yes", f"workspace={place.toy}")
    words = [word for one in given for word in ("--param", one)]
    place.prefect.cli("deployment", "run", "approve/production", *words)
    until((place.toy / "pids").exists, 120)
    kill(place)
    (place.toy / "go").touch()
    time.sleep(180)
    with start(place.prefect):
        until(lambda: place.prefect.runs_on(place.toy)[0]["state"]["name"] == "Released", SECONDS_TO_BE_RIGHT)
        assert place.prefect.runs_on(place.toy)[0]["name"] == "Released by Ada"


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


def test_run_that_a_person_suspends_goes_on_when_it_is_resumed(place: Place) -> None:
    worker, *below = place.begin()
    (run,) = place.prefect.runs_on(place.toy)
    until_then = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    details = {"pause_timeout": until_then, "pause_reschedule": True}
    suspended = {"type": "PAUSED", "name": "Suspended", "state_details": details}
    said = place.prefect.ask(f"flow_runs/{run['id']}/set_state", {"state": suspended})
    assert said["status"] == "ACCEPT", said
    until(lambda: not any(alive(process.pid) for process in below), 60)
    time.sleep(5)
    assert alive(worker.pid)
    (run,) = place.prefect.runs_on(place.toy)
    assert run["state"]["name"] == "Suspended"
    place.forget()
    assert place.prefect.ask(f"flow_runs/{run['id']}/resume", {})["status"] == "ACCEPT"
    until(lambda: place.prefect.runs_on(place.toy)[0]["state"]["name"] == "Released", SECONDS_TO_BE_RIGHT)
    assert [one["id"] for one in place.prefect.runs_on(place.toy)] == [run["id"]]
    assert steps_run(place.toy) == FROM_TRAIN


def test_run_that_comes_second_waits_for_the_first(place: Place) -> None:
    place.begin()
    second = place.prefect.start_flow(place.toy)
    found = until(lambda: place.prefect.runs_on(place.toy)[:-1], 60)
    says = "waits for `retrain` (process "
    until(lambda: [line for line in place.prefect.logs_of(found[0]) if line.startswith(says)], 60)
    (place.toy / "go").touch()
    assert place.ends()["state"]["name"] == "Released"
    code, output = ended(second, SECONDS_TO_BE_RIGHT)
    assert code == 0, output
    assert place.prefect.runs_on(place.toy)[0]["state"]["name"] == "Skipped"
    assert steps_run(place.toy).count("train") == 1


def test_training_stops_at_a_checkpoint_when_its_worker_ends_and_goes_on_with_the_next(
    writer: Stage, place: Place, make_workspace: Make, tmp_path: Path
) -> None:
    work = make_workspace(LONG)
    asked = ("--param", f"workspace={work}", "--param", "refresh=false", "--param", "release=false")
    place.prefect.cli("deployment", "run", "retrain/production", *asked)
    run = until(lambda: place.prefect.runs_on(work), 60)[0]
    until(lambda: epochs(place.prefect, run)[1:], 300)
    begin = time.monotonic()
    place.worker.send_signal(signal.SIGTERM)
    place.worker.wait(90)
    assert time.monotonic() - begin < 80
    state = place.prefect.runs_on(work)[-1]["state"]  # the one that comes again stands before it
    assert (state["type"], state["message"].split(".")[0]) == ("CRASHED", "ended from outside by SIGTERM")
    (checkpoint,) = work.glob(".checkpoints/*/checkpoint-*")
    assert not (work / paths.RECORDS["train"]).exists()
    with start_worker(place.prefect, tmp_path):
        until(lambda: place.prefect.runs_on(work)[0]["state"]["type"] == "COMPLETED", 600)
    again = place.prefect.runs_on(work)[0]
    assert again["tags"] == ["again-1"]
    training = Training.load(work / paths.RECORDS["train"])
    assert (training.steps, [point.step for point in training.curve]) == (1200, [*range(0, 1300, 100)])
    assert min(epochs(place.prefect, again)) >= int(checkpoint.name.removeprefix("checkpoint-")) / 4


def epochs(prefect: Prefect, run: dict[str, Any]) -> list[float]:
    """How far the training is, at each line that it logged."""
    return [float(found[1]) for line in prefect.logs_of(run) if (found := _EPOCH.search(line))]


@pytest.mark.parametrize("first", ["server", "worker"])
def test_run_that_a_reboot_ended_comes_again_whoever_is_up_first(place: Place, first: str) -> None:
    processes = place.begin()
    kill(place)
    for process in processes:
        process.kill()
    until(lambda: not any(alive(process.pid) for process in processes), 20)
    place.forget()
    with ExitStack() as up:
        if first == "server":
            up.enter_context(start(place.prefect))
            up.enter_context(start_worker(place.prefect, place.toy.parent))
        else:  # and waits for the server
            up.enter_context(start_worker(place.prefect, place.toy.parent))
            time.sleep(15)
            up.enter_context(start(place.prefect))
        assert place.ends()["state"]["type"] == "CRASHED"
        again = until(
            lambda: [one for one in place.prefect.runs_on(place.toy) if "again-1" in one["tags"]], 90
        )
        until(lambda: place.prefect.runs_on(place.toy)[0]["state"]["name"] == "Released", 120)
        assert place.prefect.runs_on(place.toy)[0]["id"] == again[0]["id"]
    assert steps_run(place.toy) == FROM_TRAIN


def test_run_that_gave_up_for_the_hubs_sake_comes_an_hour_later_and_not_after_the_fourth_time(
    place: Place,
) -> None:
    set_params(place.toy, {"hub.patience_hours": 0})
    (place.toy / "say").write_text("away pin", "utf-8")
    place.prefect.cli("deployment", "run", "retrain/production", "--param", f"workspace={place.toy}")
    for times in (1, 2, 3):
        failed(place, times)
        (coming,) = until(lambda: of(place, "SCHEDULED"), 30)
        wait = datetime.fromisoformat(coming["expected_start_time"]).timestamp() - time.time()
        assert 3000 < wait < 3700
        now = {"type": "SCHEDULED", "state_details": {"scheduled_time": datetime.now(UTC).isoformat()}}
        place.prefect.ask(
            f"flow_runs/{coming['id']}/set_state", {"state": now, "force": True}
        )  # the hour is over
    failed(place, 4)
    time.sleep(10)
    assert len(place.prefect.runs_on(place.toy)) == 4


def of(place: Place, type: str) -> list[dict[str, Any]]:
    return [run for run in place.prefect.runs_on(place.toy) if run["state"]["type"] == type]


def failed(place: Place, times: int) -> None:
    found = until(lambda: of(place, "FAILED")[times - 1 :], 120)
    assert "the Hub did not answer" in found[0]["state"]["message"]
