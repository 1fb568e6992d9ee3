import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from pipeline.device import parent_process
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


def test_step_whose_shell_a_signal_ended_is_left_to_dvc(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever ends a step sends one SIGTERM to all: a second one to torch's agent would cut its ranks off."""
    ended: list[float] = []
    monkeypatch.setattr(parent_process, "_end", lambda: ended.append(time.monotonic()))
    monkeypatch.setattr(parent_process, "_SECONDS_BETWEEN_LOOKS", 0.01)
    shell, dvc = sleeper(), sleeper()
    watch = threading.Thread(target=parent_process._watch, args=[[shell, dvc]])
    watch.start()
    shell.terminate()
    time.sleep(0.3)
    assert ended == []
    dvc.kill()
    watch.join(10)
    shell.wait()
    dvc.wait()
    assert len(ended) == 1


def test_step_whose_shell_is_gone_ends_itself_where_dvc_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[bool] = []
    monkeypatch.setattr(parent_process, "_end", lambda: ended.append(True))
    monkeypatch.setattr(parent_process, "_SECONDS_BETWEEN_LOOKS", 0.01)
    monkeypatch.setattr(parent_process, "_SECONDS_TO_STOP", 0.1)
    shell = sleeper()
    shell.kill()
    parent_process._watch([shell, psutil.Process()])
    shell.wait()
    assert ended == [True]


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


def sleeper() -> psutil.Popen:
    return psutil.Popen(["sleep", "300"])


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
