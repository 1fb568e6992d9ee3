"""What systemd/ sets up: units that systemd takes, and that do what docs/operating.md says of them.

Server and worker of every test in this folder are started by the units' own commands.
"""

import shutil
import subprocess
from pathlib import Path

import pytest

from flows import child, process, worker
from tests.flows.server import PROGRAMS, ROOT, Prefect
from tests.support import units

UNITS = sorted(path.name for path in units.FOLDER.iterdir())
SERVICES = [name for name in UNITS if name.endswith(".service")]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze")
def test_units_are_valid(tmp_path: Path) -> None:
    for name in ("katman", "prefect"):
        program = tmp_path / "work" / ".venv" / "bin" / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.touch(0o755)
    for name in UNITS:
        (tmp_path / name).write_text(units.moved(name, tmp_path / "work"), encoding="utf-8")
    ran = subprocess.run(
        ["systemd-analyze", "verify", *(str(tmp_path / name) for name in UNITS)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout + ran.stderr) == (0, "")


def test_units_have_users_of_their_own_and_secrets_in_files() -> None:
    users = {name: units.read(name)["User"] for name in SERVICES}
    assert users == {
        "katman-server.service": ["katman-server"],
        "katman-status.service": ["katman"],  # it reads that user's workspace
        "katman-worker.service": ["katman"],
    }
    for name in SERVICES:
        assert not {"HF_TOKEN", "PREFECT_API_AUTH_STRING"} & units.environment(name).keys()
        (file,) = units.read(name)["EnvironmentFile"]
        assert file.startswith("/etc/katman/")
    assert set(units.secrets("katman-worker.service")) == {"HF_TOKEN", "PREFECT_API_AUTH_STRING"}
    assert set(units.secrets("katman-server.service")) == {
        "PREFECT_SERVER_API_AUTH_STRING",
        "PREFECT_API_DATABASE_CONNECTION_URL",
    }


def test_units_wait_longer_for_the_worker_than_the_worker_for_its_run() -> None:
    found = units.read("katman-worker.service")
    waits = [child.SECONDS_TO_STOP, process.SECONDS_TO_STOP, worker.SECONDS_TO_STOP]
    assert sorted([*waits, float(found["TimeoutStopSec"][0]) - 5]) == [
        *waits,
        float(found["TimeoutStopSec"][0]) - 5,
    ]
    assert found["KillMode"] == ["mixed"]  # the worker alone gets the signal, and hands it on in its order
    assert found["OOMPolicy"] == ["continue"]


def test_unit_of_the_timer_says_how_the_workspace_stands(prefect: Prefect) -> None:
    command = units.command("katman-status.service", PROGRAMS)
    ran = subprocess.run(
        command, cwd=ROOT, env=prefect.env, capture_output=True, text=True, check=False, timeout=120
    )
    assert ran.returncode in {0, 5}, ran.stdout + ran.stderr
    assert [line.split("  ")[0] for line in ran.stdout.splitlines()] == [
        *("live", "pinned", "stale", "last run", "next run", "left"),
    ]
    (timer,) = [name for name in UNITS if name.endswith(".timer")]
    assert timer.removesuffix(".timer") == "katman-status"
    assert units.read(timer)["OnCalendar"] == ["hourly"]
