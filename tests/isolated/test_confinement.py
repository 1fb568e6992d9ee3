"""A process for what strangers made ends with its parent, and asks nobody."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.workspaces import PROJECT

ENTER = "from pipeline.isolated import confinement\nconfinement.enter(int(sys.argv[1]))\n"


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
def test_a_confined_process_dies_with_its_parent(tmp_path: Path) -> None:
    script = tmp_path / "sleeper.py"
    script.write_text(f"import sys, time\n{ENTER}print('in', flush=True)\ntime.sleep(60)\n")
    code = (
        "import os, subprocess, sys, time\n"
        f"run = [sys.executable, {str(script)!r}, str(os.getpid())]\n"
        "child = subprocess.Popen(run, stdout=subprocess.PIPE)\n"
        "child.stdout.readline()\nprint(child.pid, flush=True)\ntime.sleep(60)\n"
    )
    env = os.environ | {"PYTHONPATH": str(PROJECT)}
    # The child's input stays open here, so that it ends by the signal alone.
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env
    ) as parent:
        assert parent.stdout
        process = int(parent.stdout.readline())
        assert alive(process)
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        deadline = time.monotonic() + 10
        while alive(process) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not alive(process)


def test_a_confined_process_asks_nobody() -> None:
    code = (
        "import os, sys, urllib.request\nfrom pipeline.isolated import confinement\n"
        "confinement.enter(os.getppid())\n"
        "try:\n    urllib.request.urlopen('http://127.0.0.1:1')\n"
        "except PermissionError as error:\n    print(error)\n"
        "except OSError as error:\n    print(error.reason if hasattr(error, 'reason') else error)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PROJECT
    )
    assert "reading files needs nobody's answer" in ran.stdout


def test_a_confined_process_that_has_lost_its_parent_does_nothing() -> None:
    code = "import sys\nfrom pipeline.isolated import confinement\nconfinement.enter(1)\nprint('on')\n"
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=PROJECT
    )
    assert ran.returncode == 1
    assert ran.stdout == ""
    assert "ended before it was answered" in ran.stderr


def alive(process: int) -> bool:
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
