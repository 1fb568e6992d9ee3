"""`katman worker`, its runs, and what becomes of them when one of their processes is ended."""

import json
import os
import signal
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest

from flows.worker import Absence
from tests.flows.server import Prefect, Worker, alive, start_worker, until
from tests.flows.toy import make_toy, steps_run


def begin(prefect: Prefect, toy: Path, say: str = "tidy train") -> list[int]:
    """Have the worker run the toy until its training hangs: flow, DVC's process, trainer and its child."""
    (toy / "say").write_text(say, "utf-8")
    prefect.cli("deployment", "run", "retrain/production", "--param", f"workspace={toy}")
    until((toy / "pids").exists, 180)  # three processes import Prefect, perhaps from a cold disk
    trainer, below = (int(word) for word in (toy / "pids").read_text("utf-8").split())
    dvc = psutil.Process(trainer).parent()
    assert dvc is not None
    while "child.py" not in " ".join(dvc.cmdline()):
        dvc = dvc.parent()
        assert dvc is not None
    flow = dvc.parent()
    assert flow is not None
    return [flow.pid, dvc.pid, trainer, below]


def end_state(prefect: Prefect, toy: Path) -> dict[str, Any]:
    """The state of the first run, once it is final."""

    def ended() -> dict[str, Any] | None:
        run = prefect.runs_on(toy)[-1]
        return run if run["end_time"] else None

    run = until(ended, 60)
    assert run is not None
    state: dict[str, Any] = run["state"]
    return state


def goes_on(prefect: Prefect, toy: Path) -> None:
    """The run comes again by itself, and does what is left."""
    for name in ("say", "pids"):
        (toy / name).unlink(missing_ok=True)
    steps_run(toy)
    run = until(lambda: [one for one in prefect.runs_on(toy) if one["state"]["name"] == "Released"], 90)[0]
    assert "again-1" in run["tags"]
    assert steps_run(toy) == ["check", "refresh", "train", "evaluate", "gate", "card", "release"]


def test_worker_ends_its_run_gently_and_the_next_one_goes_on(
    prefect: Prefect, deployed: None, toy: Path
) -> None:
    with start_worker(prefect, toy.parent) as worker:
        pids = begin(prefect, toy)
        worker.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        worker.send_signal(signal.SIGTERM)
        worker.wait(60)
    assert not any(map(alive, pids))
    assert (toy / "saved").exists()
    state = end_state(prefect, toy)
    assert state["type"] == "CRASHED"
    assert state["message"] == "ended from outside by SIGTERM. The next run goes on from the last checkpoint"
    assert json.loads((toy / ".dvc" / "tmp" / "rwlock").read_text("utf-8")) == {}
    with start_worker(prefect, toy.parent):
        goes_on(prefect, toy)


@pytest.mark.long
def test_worker_that_is_killed_leaves_no_run_behind(prefect: Prefect, deployed: None, toy: Path) -> None:
    with start_worker(prefect, toy.parent) as worker:
        pids = begin(prefect, toy)
        worker.kill()
        worker.wait()
    until(lambda: not any(map(alive, pids)), 60)
    assert (toy / "saved").exists()
    assert end_state(prefect, toy)["type"] == "CRASHED"
    with start_worker(prefect, toy.parent):
        goes_on(prefect, toy)


@pytest.mark.long
@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize(
    ("which", "type", "says"),
    [
        ("dvc", "FAILED", "train: killed by signal 9, "),
        ("trainer", "FAILED", "train: killed by signal 9, "),
    ],
)
def test_worker_tells_what_was_killed_below_its_run(
    prefect: Prefect, toy: Path, which: str, type: str, says: str
) -> None:
    pids = begin(prefect, toy, "hang train")
    os.kill(pids[["flow", "dvc", "trainer"].index(which)], signal.SIGKILL)

    state = end_state(prefect, toy)
    assert (state["type"], says in state["message"]) == (type, True), state
    until(lambda: not any(map(alive, pids)), 20)


@pytest.mark.long
@pytest.mark.usefixtures("worker")
def test_run_that_was_killed_comes_again_by_itself(prefect: Prefect, toy: Path) -> None:
    flow, *below = begin(prefect, toy)
    os.kill(flow, signal.SIGKILL)
    state = end_state(prefect, toy)
    assert (state["type"], "status code: -9" in state["message"]) == ("CRASHED", True), state
    goes_on(prefect, toy)
    assert not any(map(alive, below))


@pytest.mark.long
@pytest.mark.usefixtures("worker")
def test_run_whose_step_a_sigterm_ended_comes_again_by_itself(prefect: Prefect, toy: Path) -> None:
    (toy / "say").write_text("ended train", "utf-8")
    prefect.cli("deployment", "run", "retrain/production", "--param", f"workspace={toy}")
    state = end_state(prefect, toy)
    assert state["type"] == "CRASHED"
    assert state["message"] == "train: stopped by SIGTERM behind step 7 of 9, at a checkpoint"
    goes_on(prefect, toy)


@pytest.mark.long
def test_worker_closes_at_its_start_what_died_with_everything_else(
    prefect: Prefect, deployed: None, toy: Path
) -> None:
    """As in a reboot: nobody is left to tell the server, which keeps the run *Running*."""
    with start_worker(prefect, toy.parent) as worker:
        pids = begin(prefect, toy)
        for pid in (worker.pid, *pids):
            os.kill(pid, signal.SIGKILL)
        worker.wait()
    until(lambda: not any(map(alive, pids)), 20)
    assert prefect.runs_on(toy)[0]["state"]["type"] == "RUNNING"
    with start_worker(prefect, toy.parent):
        state = end_state(prefect, toy)
        assert state["type"] == "CRASHED"
        assert state["message"].startswith(
            "its process was killed in `train`, or its machine stopped, before"
        )
        goes_on(prefect, toy)


@pytest.mark.long
def test_worker_runs_missed_schedules_once(prefect: Prefect, deployed: None, toy: Path) -> None:
    prefect.cli(
        *("deploy", "flows/retrain.py:retrain", "--name", "missed", "--pool", "katman"),
        *("--cron", "* * * * * */5", "--param", f"workspace={toy}"),
    )
    deployment = prefect.ask("deployments/name/retrain/missed")
    until(lambda: len(late(prefect, deployment["id"])) >= 4, 90)
    prefect.cli("deployment", "schedule", "pause", "retrain/missed", deployment["schedules"][0]["id"])
    missed = [run["id"] for run in late(prefect, deployment["id"])]
    try:
        with start_worker(prefect, toy.parent):
            runs = until(lambda: ended(prefect, missed), 90)
    finally:
        prefect.cli("deployment", "delete", "retrain/missed")
    states = sorted(run["state"]["name"] for run in runs)
    assert states == ["Cancelled"] * (len(states) - 1) + ["Released"]


def late(prefect: Prefect, deployment: str) -> list[dict[str, Any]]:
    runs: list[dict[str, Any]] = prefect.ask(
        "flow_runs/filter",
        {
            "deployments": {"id": {"any_": [deployment]}},
            "flow_runs": {
                "expected_start_time": {"before_": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
            },
        },
    )
    return runs


def ended(prefect: Prefect, ids: list[str]) -> list[dict[str, Any]]:
    runs: list[dict[str, Any]] = prefect.ask("flow_runs/filter", {"flow_runs": {"id": {"any_": ids}}})
    done = all(run["state"]["type"] in {"COMPLETED", "CANCELLED", "FAILED", "CRASHED"} for run in runs)
    return runs if done else []


def test_worker_takes_no_run_on_another_folder(
    prefect: Prefect, worker: Worker, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = make_toy(tmp_path_factory.mktemp("other") / "toy")
    prefect.cli("deployment", "run", "retrain/production", "--param", f"workspace={other}")
    state = end_state(prefect, other)
    assert state["type"] == "FAILED"
    assert state["message"].startswith(
        f"the run's workspace is {other}; wanted one that its worker was started"
    )
    assert steps_run(other) == []


def test_api_starts_nothing_without_its_password_and_nothing_else_with_it(
    prefect: Prefect, deployed: None, toy: Path
) -> None:
    """The requests with which anybody who reached the port ran a command of his own."""
    deployment = prefect.ask("deployments/name/retrain/production")["id"]
    asked = {"parameters": {"workspace": str(toy)}, "state": {"type": "SCHEDULED"}}
    path = f"deployments/{deployment}/create_flow_run"
    request = urllib.request.Request(
        f"{prefect.url}/{path}", json.dumps(asked).encode(), {"Content-Type": "application/json"}
    )
    for one in (request, urllib.request.Request(f"{prefect.url}/deployments/{deployment}")):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(one, timeout=30)
        assert refused.value.code in {401, 403}
        refused.value.close()
    for variables in ({"command": "touch x"}, {"env": {"PYTHONPATH": "/tmp"}}, {"working_dir": "/tmp"}):
        with pytest.raises(urllib.error.HTTPError) as caught:
            prefect.ask(path, asked | {"job_variables": variables})
        assert caught.value.code in {409, 422}, caught.value
        caught.value.close()
    assert prefect.runs_on(toy) == []


def test_absence_is_told_at_its_begin_each_hour_and_at_its_end() -> None:
    said: list[str] = []
    now = [0.0]
    absence = Absence(said.append, lambda: now[0])
    absence.answered()
    assert said == []
    for _ in range(9000):  # as the worker asks, every ten seconds
        absence.failed("does not answer (ConnectError)")
        now[0] += 1
    absence.answered()
    absence.answered()
    assert said == [
        "Prefect's server does not answer (ConnectError); the worker goes on, and so does its run",
        "Prefect's server does not answer (ConnectError), for 1 hours by now",
        "Prefect's server does not answer (ConnectError), for 2 hours by now",
        "Prefect's server answers again, after 150 minutes",
    ]
    absence.failed("answers 503")
    assert said[4:] == ["Prefect's server answers 503; the worker goes on, and so does its run"]
