"""A rank's process: it says why it failed where the agent looks, and ends with the one that started it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipeline.device import rank_process
from pipeline.errors import InvalidData
from pipeline.isolated import confinement
from tests.support.workspaces import PROJECT

# A step that goes on for ever, and a process that starts it as a rank and says which process that is.
STEP = "import time\ndef run(workspace, params):\n    (workspace / 'runs').touch()\n    time.sleep(600)\n"
PARENT = (
    "import os, subprocess, sys, time\n"
    "command = [sys.executable, '-m', 'pipeline.device.rank_process', 'endless_step', sys.argv[1]]\n"
    "print(subprocess.Popen([*command, str(os.getpid())]).pid, flush=True)\n"
    "time.sleep(600)\n"
)


def test_rank_process_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    (tmp_path / "endless_step.py").write_text(STEP, encoding="utf-8")
    (tmp_path / "params.yaml").write_bytes((PROJECT / "params.yaml").read_bytes())
    env = os.environ | {"PYTHONPATH": f"{PROJECT}{os.pathsep}{tmp_path}"}
    command = [sys.executable, "-c", PARENT, str(tmp_path)]
    with subprocess.Popen(command, cwd=PROJECT, env=env, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        rank = int(parent.stdout.readline())
        give_up = time.monotonic() + 60
        while not (tmp_path / "runs").exists():
            assert time.monotonic() < give_up
            time.sleep(0.05)
        parent.send_signal(signal.SIGKILL)
    while Path(f"/proc/{rank}").exists():
        assert time.monotonic() < give_up
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("error", "told", "printed"),
    [
        (InvalidData("rank 1 has another file"), ("InvalidData", "rank 1 has another file"), ""),
        (
            RuntimeError("Connection closed by peer\nmore of it"),
            ("TrainingFailed", "rank 1 broke off: RuntimeError: Connection closed by peer. Its traceback"),
            "Traceback",
        ),
    ],
)
def test_rank_process_leaves_its_error_where_the_agent_looks(
    error: Exception,
    told: tuple[str, str],
    printed: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def run(workspace: Path, params: object) -> None:
        raise error

    (tmp_path / "params.yaml").write_bytes((PROJECT / "params.yaml").read_bytes())
    monkeypatch.setitem(sys.modules, "failing_step", SimpleNamespace(run=run))
    monkeypatch.setattr(confinement, "follow", lambda parent: None)
    monkeypatch.setattr(rank_process, "_SECONDS_FOR_THE_FIRST", 0)
    monkeypatch.setattr("signal.signal", lambda which, handler: None)
    monkeypatch.setattr(sys, "argv", ["rank", "failing_step", str(tmp_path), "1"])
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("TORCHELASTIC_ERROR_FILE", str(tmp_path / "error.json"))
    assert rank_process.main() == 1
    said = json.loads((tmp_path / "error.json").read_text(encoding="utf-8"))["katman"]
    assert said["error"] == told[0]
    assert said["message"].startswith(told[1])
    assert (printed in capsys.readouterr().err) if printed else not capsys.readouterr().err
