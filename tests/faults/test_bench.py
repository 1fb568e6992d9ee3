"""The bench of operations leaves nothing behind, whichever way it ends."""

import signal
import subprocess
import sys
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from tests.flows.server import alive, until
from tests.support.workspaces import PROJECT

pytestmark = pytest.mark.faults


@pytest.mark.parametrize("which", [signal.SIGTERM, signal.SIGKILL], ids=lambda one: one.name)
def test_bench_of_operations_ends_what_it_started(tmp_path: Path, which: signal.Signals) -> None:
    command = [sys.executable, "-m", "bench.operations", "--folder", str(tmp_path / "room")]
    with (tmp_path / "log").open("wb") as log:
        bench = subprocess.Popen(command, cwd=PROJECT, stdout=log, stderr=log)
    try:
        # Prefect's server, the Hub, and a step that is run by hand.
        until((tmp_path / "room" / "by-hand" / "records" / "pin.json").exists, 200)
        below = [one.pid for one in psutil.Process(bench.pid).children(recursive=True)]
        assert len(below) >= 3
        bench.send_signal(which)
        bench.send_signal(which)
        bench.wait(60)
    finally:
        bench.kill()
        bench.wait()
    until(lambda: not any(map(alive, below)), 120)
