"""The deployment of prefect.yaml, on a real worker and the real scheduler."""

import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.flows.server import ROOT, Prefect, until
from tests.flows.toy import steps_run


@pytest.mark.usefixtures("worker")
def test_deployment_runs_on_a_process_worker_and_is_watched_to_its_outcome(
    prefect: Prefect, toy: Path
) -> None:
    code, output = watched(prefect, toy)
    assert (code, output.splitlines()[-1]) == (0, "Flow run finished successfully in 'Released'.")
    assert "released v1: toy/model at " in output
    (run,) = prefect.runs_on(toy)
    assert (run["state"]["type"], run["name"]) == ("COMPLETED", "released v1")
    assert steps_run(toy)[-1] == "release"

    (toy / "say").write_text("fail check", "utf-8")
    code, output = watched(prefect, toy)
    assert (code, output.splitlines()[-1]) == (1, "Flow run finished in state 'Failed'.")
    assert "rows is 3, wanted 4 or more;" in output  # why, of which the server's events say nothing
    assert "Traceback" not in output


def watched(prefect: Prefect, toy: Path) -> tuple[int, str]:
    """See a run of the deployment through; returns the command's exit code and what it printed."""
    words = ("deployment", "run", "retrain/production", "--param", f"workspace={toy}", "--watch")
    command = [sys.executable, "-m", "prefect", "--no-prompt", *words]
    done = subprocess.run(
        command, cwd=ROOT, env=prefect.env, text=True, capture_output=True, timeout=150, check=False
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.usefixtures("deployed")
def test_deployment_is_scheduled_weekly_and_has_no_limit_that_ends_runs(prefect: Prefect) -> None:
    deployment = prefect.ask("deployments/name/retrain/production")
    (schedule,) = deployment["schedules"]
    assert schedule["active"]
    assert deployment["global_concurrency_limit"] is None

    body = {"deployments": {"id": {"any_": [deployment["id"]]}}, "sort": "EXPECTED_START_TIME_ASC"}
    planned = until(
        lambda: [run for run in prefect.ask("flow_runs/filter", body) if run["auto_scheduled"]], 90
    )
    start = datetime.fromisoformat(planned[0]["expected_start_time"]).astimezone(ZoneInfo("Europe/Istanbul"))
    assert (start.weekday(), start.hour, start.minute) == (0, 3, 0)


@pytest.mark.long
@pytest.mark.usefixtures("worker")
def test_deployment_with_a_cron_really_runs(prefect: Prefect, toy: Path) -> None:
    # SQLAlchemy 2.1 stops Prefect's scheduler without a word: only a run that nobody asked for shows it.
    # The sixth field is seconds: nobody waits for the full minute.
    prefect.cli(
        *("deploy", "flows/retrain.py:retrain", "--name", "often", "--pool", "katman"),
        *("--cron", "* * * * * */20", "--param", f"workspace={toy}"),
    )

    def first() -> dict[str, Any] | None:
        started = [run for run in prefect.runs_on(toy) if run["start_time"]]
        return started[-1] if started and started[-1]["end_time"] else None

    try:
        run = until(first, 150)
    finally:
        prefect.cli("deployment", "delete", "retrain/often")
    assert run is not None
    assert run["auto_scheduled"]
    assert run["state"]["type"] == "COMPLETED", run["state"]
    assert steps_run(toy)[:2] == ["check", "refresh"]
