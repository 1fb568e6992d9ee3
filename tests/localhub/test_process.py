from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from localhub.process import serve
from tests.localhub.conftest import OWNER

PARENT = """
import sys, time
from pathlib import Path
from localhub.process import serve
with serve(Path(sys.argv[1]), []) as running:
    print(running.pid, flush=True)
    time.sleep(60)
"""


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_process_serves_until_the_block_ends(tmp_path: Path) -> None:
    with serve(tmp_path, [OWNER]) as running:
        assert HfApi(endpoint=running.endpoint, token=OWNER.token).whoami()["name"] == "ann"
        assert running.pid == running.process.pid
        assert is_alive(running.pid)
    assert running.process.returncode == 0


def test_process_serves_again_on_the_same_root_and_port(tmp_path: Path) -> None:
    with serve(tmp_path, [OWNER]) as first:
        HfApi(endpoint=first.endpoint, token=OWNER.token).create_repo("kept")
    port = int(first.endpoint.rpartition(":")[2])
    with serve(tmp_path, [OWNER], port=port) as second:
        assert second.endpoint == first.endpoint
        assert HfApi(endpoint=second.endpoint, token=False).repo_exists("ann/kept")


def test_process_never_outlives_a_killed_parent(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PARENT, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        server = int(parent.stdout.readline())
        assert is_alive(server)
        os.kill(parent.pid, signal.SIGKILL)
    give_up = time.monotonic() + 20
    while is_alive(server):
        assert time.monotonic() < give_up
        time.sleep(0.05)


def test_process_says_why_a_server_did_not_start(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(RuntimeError, match=r"exit 1.*file/root cannot be used"),
        serve(tmp_path / "file" / "root", []),
    ):
        pass


def test_process_gives_up_on_a_server_that_is_too_slow(tmp_path: Path) -> None:
    with pytest.raises(TimeoutError, match="0 s"), serve(tmp_path, [], timeout_seconds=0):
        pass
