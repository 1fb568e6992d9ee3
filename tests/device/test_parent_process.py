import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from tests.support.workspaces import PROJECT, repository

STEP = f"""
import os, subprocess, sys, time
sys.path.insert(0, {str(PROJECT)!r})
from pathlib import Path
from pipeline.device import parent_process
parent_process.follow()
below = subprocess.Popen(["sleep", "300"])
Path("pids.new").write_text(f"{{os.getpid()}} {{below.pid}}")
os.replace("pids.new", "pids")
time.sleep(300)
"""


@pytest.mark.parametrize("which", [signal.SIGKILL, signal.SIGHUP], ids=lambda one: one.name)
def test_step_ends_with_the_dvc_that_started_it(tmp_path: Path, which: signal.Signals) -> None:
    repository(tmp_path)
    (tmp_path / "step.py").write_text(STEP, "utf-8")
    # A shell that stays between the two.
    command = f"{sys.executable} step.py && true"
    (tmp_path / "dvc.yaml").write_text(f"stages:\n  train:\n    cmd: {command}\n", "utf-8")
    dvc = subprocess.Popen([sys.executable, "-m", "dvc", "repro"], cwd=tmp_path)
    pids = [int(word) for word in waited(tmp_path / "pids").split()]
    assert all(map(alive, pids))
    dvc.send_signal(which)
    dvc.wait()
    end = time.monotonic() + 10
    while any(map(alive, pids)):
        assert time.monotonic() < end, "the orphan trains on"
        time.sleep(0.1)


def test_step_that_no_dvc_started_follows_nobody(tmp_path: Path) -> None:
    (tmp_path / "step.py").write_text(STEP, "utf-8")
    environment = {key: value for key, value in os.environ.items() if key != "DVC_STAGE"}
    shell = shutil.which("sh") or "sh"
    subprocess.run(
        [shell, "-c", f"{sys.executable} step.py & exit 0"], cwd=tmp_path, env=environment, check=True
    )
    pids = [int(word) for word in waited(tmp_path / "pids").split()]
    try:
        time.sleep(1.5)
        assert all(map(alive, pids))
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)


def waited(path: Path) -> str:
    end = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < end
        time.sleep(0.1)
    return path.read_text("utf-8")


def alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
