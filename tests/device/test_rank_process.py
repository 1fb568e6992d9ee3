"""A rank's process: it ends with the one that started it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

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
