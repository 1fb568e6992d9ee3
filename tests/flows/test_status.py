import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flows import lifelines, status
from pipeline.errors import ExitCode
from pipeline.params import load
from pipeline.workspace import locks
from tests.flows.server import Prefect, until
from tests.flows.toy import make_toy
from tests.support.workspaces import PROJECT

WEEKLY = 'deployments: [{schedules: [{cron: "0 3 * * 1", timezone: Europe/Istanbul}]}]'


@pytest.fixture
def alone(toy: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace on a schedule, and no server."""
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    (toy / "prefect.yaml").write_text(WEEKLY, "utf-8")
    return toy


def ended(toy: Path, type: str, when: str) -> None:
    """A run that ended so, in a process that is gone."""
    code = (
        "import sys; from pathlib import Path; from flows import lifelines;"
        "lifelines._now = lambda: sys.argv[3];"
        "lifelines.Lifeline(Path(sys.argv[1]), '7').end(sys.argv[2], 'Released', 'released v1')"
    )
    subprocess.run([sys.executable, "-c", code, str(toy), type, when], cwd=PROJECT, check=True)


def test_status_is_six_lines_and_needs_no_server(alone: Path) -> None:
    found = status.run(alone, load(alone))

    lines = status.summary(found).splitlines()
    assert [line[:10].strip() for line in lines] == [
        "live",
        "pinned",
        "stale",
        "last run",
        "next run",
        "left",
    ]
    assert "pin, audit, train, evaluate, gate, card" in lines[2]
    assert lines[3].endswith(" none yet")
    assert " by prefect.yaml; no server was asked" in lines[4]
    assert status.exit_code(found) == ExitCode.DONE


def test_status_says_how_the_last_run_ended(alone: Path) -> None:
    ended(alone, "COMPLETED", "2026-11-26T03:00:00+00:00")
    line = status.summary(status.run(alone, load(alone))).splitlines()[3]
    assert line == "last run   Released, 2026-11-26T03:00:00+00:00: released v1"


def test_status_says_how_a_run_ended_that_said_nothing(alone: Path) -> None:
    last = lifelines.Life(
        "7", "2026-11-26T03:00:00+00:00", None, "2026-11-26T03:01:00+00:00", "FAILED", "Failed"
    )
    found = replace(status.run(alone, load(alone)), last=last)
    assert "last run   Failed, 2026-11-26T03:01:00+00:00: " in status.summary(found).splitlines()


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("dvc.yaml", None, "unknown: there is no dvc.yaml"),
        ("dvc.yaml", "stages: [", "unknown: DVC cannot read the workspace: "),
        ("dvc.lock", "x: [", "unknown: DVC cannot read the workspace: "),
    ],
)
def test_status_of_a_workspace_that_dvc_cannot_read_is_unknown(
    alone: Path, name: str, content: str | None, says: str
) -> None:
    if content is None:
        (alone / name).unlink()
    else:
        (alone / name).write_text(content, "utf-8")
    assert says in status.summary(status.run(alone, load(alone))).splitlines()[2]


def test_status_does_not_wait_for_whoever_writes(alone: Path) -> None:
    with locks.hold(alone, "train"):
        begin = time.monotonic()
        found = status.run(alone, load(alone))
    assert time.monotonic() - begin < 10
    assert f"`train` (process {os.getpid()} on " in status.summary(found).splitlines()[2]


def test_status_is_overdue_after_twice_the_time_between_two_runs(alone: Path) -> None:
    ended(alone, "COMPLETED", "2001-01-01T00:00:00+00:00")
    ended(alone, "FAILED", time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime()))
    found = status.run(alone, load(alone), as_json=True)
    assert status.exit_code(found) == ExitCode.OVERDUE
    said = json.loads(status.summary(found))
    assert (said["overdue"], said["done"], said["last"]["type"]) == (
        True,
        "2001-01-01T00:00:00+00:00",
        "FAILED",
    )
    assert status.exit_code(replace(found, overdue=False)) == ExitCode.DONE


def test_status_is_overdue_whatever_a_clock_that_was_ahead_has_left(alone: Path) -> None:
    ended(alone, "COMPLETED", "2199-01-01T00:00:00+00:00")
    os.utime(alone / "prefect.yaml", (1e9, 1e9))
    assert status.run(alone, load(alone)).overdue
    soon = datetime.now(UTC) + timedelta(minutes=5)
    ended(alone, "COMPLETED", soon.isoformat())
    assert not status.run(alone, load(alone)).overdue


def test_status_without_a_schedule_is_never_overdue(alone: Path) -> None:
    ended(alone, "COMPLETED", "2001-01-01T00:00:00+00:00")
    (alone / "prefect.yaml").unlink()
    found = status.run(alone, load(alone))
    assert not found.overdue
    assert found.next.startswith("none by prefect.yaml")


def test_status_of_a_workspace_in_which_nothing_ever_ran_counts_from_its_schedule(alone: Path) -> None:
    os.utime(alone / "prefect.yaml", (1e9, 1e9))
    assert status.run(alone, load(alone)).overdue


def test_status_asks_the_server_where_there_is_one(prefect: Prefect, deployed: None, tmp_path: Path) -> None:
    toy = make_toy(tmp_path / "toy")
    prefect.cli(
        *("deploy", "flows/retrain.py:retrain", "--name", "yearly", "--pool", "katman"),
        *("--cron", "0 3 1 1 *", "--timezone", "UTC", "--param", f"workspace={toy}"),
    )
    try:
        planned = until(lambda: [run for run in prefect.runs_on(toy) if run["auto_scheduled"]], 60)
        first = min(datetime.fromisoformat(run["expected_start_time"]) for run in planned)
        assert says(prefect, toy) == f"next run   {first.isoformat(sep=' ', timespec='minutes')}"
    finally:
        prefect.cli("deployment", "delete", "retrain/yearly")
    dead = replace(prefect, env=prefect.env | {"PREFECT_API_URL": "http://127.0.0.1:9/api"})
    assert says(dead, toy).endswith("; Prefect's server does not answer (ConnectError)")


def says(prefect: Prefect, toy: Path) -> str:
    """The line on the next run, of a process that knows the server."""
    code = (
        "import sys; from pathlib import Path; from flows import status; from pipeline.params import load;"
        "toy = Path(sys.argv[1]); print(status.summary(status.run(toy, load(toy))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(toy)],
        cwd=PROJECT,
        env=prefect.env | {"TZ": "UTC"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()[4]
