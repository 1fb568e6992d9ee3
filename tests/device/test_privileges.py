"""Who gives up what (`tests/hostile/test_confined.py` tries to get through)."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.device import privileges
from pipeline.isolated import confinement
from tests.support import workspaces
from tests.support.workspaces import PROJECT


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    calls: list[dict[str, Any]] = []

    def leave(**said: Any) -> bool:
        calls.append(said)
        return True

    monkeypatch.setattr(confinement, "leave", leave)
    for name in ("HF_TOKEN_PATH", "HF_HUB_DISABLE_IMPLICIT_TOKEN", "HF_TOKEN"):
        monkeypatch.setenv(name, "before")  # and put back
    return calls


@pytest.mark.parametrize(
    ("launch", "network"),
    [
        (None, True),
        ({"processes": 8, "machines": 1, "rendezvous": None}, True),
        ({"processes": 8, "machines": 2, "rendezvous": "10.0.0.1:29500"}, False),
    ],
)
def test_training_leaves_the_network_unless_other_machines_train_too(
    tmp_path: Path, left: list[dict[str, Any]], launch: object, network: bool
) -> None:
    (tmp_path / "params.yaml").write_bytes((PROJECT / "params.yaml").read_bytes())
    workspaces.set_params(tmp_path, {"hardware.launch": launch})
    privileges.give_up("train", tmp_path)
    assert left == [{"network": network, "files": []}]


@pytest.mark.parametrize("step", [None, "pin", "release", "no-such-step"])
def test_step_that_speaks_to_the_hub_gives_up_nothing(left: list[dict[str, Any]], step: str | None) -> None:
    privileges.give_up(step, PROJECT)
    assert left == []


def test_training_under_params_that_cannot_be_read_leaves_the_network(
    tmp_path: Path, left: list[dict[str, Any]]
) -> None:
    privileges.give_up("train", tmp_path)
    assert left == [{"network": True, "files": []}]
