"""The real steps through the flow: a tiny workspace, a real localhub, a real Prefect server."""

import json
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import Make, Stage
from tests.flows.server import Prefect
from tests.support import workspaces

SKIPPED = ["pin", "audit", "train", "evaluate", "gate", "card"]


@pytest.mark.long
def test_line_releases_once_and_then_skips_every_step(
    prefect: Prefect, stage: Stage, make_workspace: Make
) -> None:
    work = make_workspace()
    server = replace(prefect, env=stage.env | prefect.env)

    code, output = server.retrain(work)

    assert code == 0, output
    (path,) = (work / "receipts").glob("*.json")
    receipt = json.loads(path.read_text("utf-8"))
    (run,) = server.runs_on(work)
    assert run["state"]["message"] == f"released v1: {receipt['repo']} at {path.stem}"
    shown = server.artifact_of(run)
    assert "| new | test | 32 |" in shown
    assert shown.count("(data:image/svg+xml;base64,") == 2  # a curve of four points is no picture
    assert workspaces.TOKEN not in output
    assert workspaces.holding_token(work, Path(prefect.env["PREFECT_HOME"])) == []
    head = commit_of(work)

    begin = time.monotonic()
    code, output = server.retrain(work)

    assert time.monotonic() - begin < 30
    assert code == 0, output
    assert [step for step in SKIPPED if f"{step}: unchanged, skipped" in output] == SKIPPED
    assert server.runs_on(work)[0]["state"]["message"] == "unchanged: every step skipped, v1 stays released"
    assert commit_of(work) == head


def test_line_shows_why_a_step_failed(prefect: Prefect, stage: Stage, make_workspace: Make) -> None:
    work = make_workspace({"model.dims": [64, 16], "gate.floors": {64: 0.0, 16: 0.0}})
    server = replace(prefect, env=stage.env | prefect.env)

    code, output = server.retrain(work, "--no-refresh")

    assert code == 1, output
    wanted = "check: base: model.dims asks for 64 dimensions and tester/tiny has 32; wanted none above 32"
    message = server.runs_on(work)[0]["state"]["message"]
    assert message.startswith(wanted)
    # The command says the same, and says it last.
    assert output.endswith(f"retrain: {message}\n")


def commit_of(work: Path) -> str:
    return subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=work, text=True)
