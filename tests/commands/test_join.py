"""Joining a training that is on no second machine, or on fewer; one that is, `tests/stages/train` starts."""

import os
import shutil
import threading
from pathlib import Path

import pytest

from pipeline import __main__ as main
from pipeline.commands import join
from pipeline.device import turns
from pipeline.errors import InvalidParams
from pipeline.params import load
from pipeline.params.machine import LaunchParams
from pipeline.workspace import locks
from tests.support.workspaces import PROJECT


@pytest.mark.parametrize(
    ("launch", "machine", "message"),
    [
        (None, 1, r"machine 1 was asked to join 1 of hardware\.launch; .*from 1 to 0"),
        (LaunchParams(processes=1, machines=2, rendezvous="10.0.0.1:29500"), 2, r"machine 2 .*from 1 to 1"),
        (LaunchParams(processes=1, machines=2, rendezvous="10.0.0.1:29500"), 0, r"machine 0 .*from 1 to 1"),
    ],
)
def test_join_refuses_a_number_that_no_machine_has(
    launch: LaunchParams | None, machine: int, message: str
) -> None:
    params = load(PROJECT)
    hardware = params.hardware.model_copy(update={"launch": launch})
    with pytest.raises(InvalidParams, match=message):
        join.run(Path("none"), params.model_copy(update={"hardware": hardware}), machine)


def test_join_is_refused_where_somebody_writes_to_its_clone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".dvc").mkdir()
    monkeypatch.setattr(main, "__file__", str(tmp_path / "pipeline" / "__main__.py"))
    with locks.hold(tmp_path, "retrain"):
        assert main.main(["join", "1", "--workspace", str(tmp_path)]) == 1
    assert "wanted one writer at a time" in capsys.readouterr().err


def test_join_waits_for_its_turn_on_this_machines_gpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The driver's tool says that there is one; the lock is a real one."""
    shutil.copy(PROJECT / "params.yaml", tmp_path)
    name = f"GPU-join-{os.getpid()}"
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\necho {name}\n", "utf-8")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(main, "__file__", str(tmp_path / "pipeline" / "__main__.py"))
    waits = threading.Event()
    monkeypatch.setattr(main, "_say", lambda *_: waits.set())
    thread = threading.Thread(target=main.main, args=[["join", "1", "--workspace", str(tmp_path)]])
    with turns.hold("train", Path("/a"), print):
        thread.start()
        assert waits.wait(30)
        assert capsys.readouterr().err == ""
    thread.join(30)
    turns._file(name).unlink()
    assert "machine 1 was asked to join 1 of hardware.launch" in capsys.readouterr().err


def test_join_says_what_this_machine_gave() -> None:
    assert join.summary(8).startswith("8 ranks of this machine trained to the end")
