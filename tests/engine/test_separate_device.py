"""The engine on a device that is not the CPU: nothing is mixed, backward runs in a worker, few waits."""

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.support.workspaces import PROJECT

STEPS, EVALUATIONS = 4, 3


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a process found that registered the device."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.engine.on_separate_device"]
    command.append(str(tmp_path_factory.mktemp("separate")))
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def test_separate_device_trains_as_the_cpu_does(found: dict[str, Any]) -> None:
    assert found["separate"]["losses"] == pytest.approx(found["cpu"]["losses"], rel=1e-5)
    assert found["repeated"]["losses"] == pytest.approx(found["separate"]["losses"], rel=1e-5)
    assert (found["separate"]["repeated"], found["repeated"]["repeated"]) == (0, 1)
    assert found["threads"] == ["main", "worker"]  # autograd's own thread, as on a GPU


def test_separate_device_scores_and_searches_as_the_cpu_does(found: dict[str, Any]) -> None:
    assert found["separate"]["searched"] == found["cpu"]["searched"]
    assert found["separate"]["compared"] == found["cpu"]["compared"]
    assert len(found["cpu"]["compared"]) == 7
    for theirs, ours in zip(found["cpu"]["answered"], found["separate"]["answered"], strict=True):
        assert ours == pytest.approx(theirs, abs=1e-4)
    for theirs, ours in zip(found["cpu"]["positive"], found["separate"]["positive"], strict=True):
        assert ours == pytest.approx(theirs, abs=1e-4)


def test_separate_device_is_waited_for_a_few_times_a_step(found: dict[str, Any]) -> None:
    waits = found["separate"]["waits"]
    # Of a step: its rows, its loss, the norm of its gradient, and the trainer's logs.
    assert waits["tolist"] <= STEPS
    assert waits["aten._local_scalar_dense.default"] <= 4 * STEPS + 2 * EVALUATIONS
    assert waits["to cpu"] <= 4 * EVALUATIONS
    # Encoding again waits once in the whole training: to see that the masks are the same.
    assert sum(found["repeated"]["waits"].values()) <= sum(waits.values()) + 2
