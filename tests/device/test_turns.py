import os
import threading
from pathlib import Path

import pytest

from pipeline.device import turns

GPUS = ["GPU-bb", "GPU-aa"]


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        (None, ["GPU-aa", "GPU-bb"]),
        ("", []),
        ("-1", []),
        ("0", ["GPU-bb"]),
        ("1,0", ["GPU-aa", "GPU-bb"]),
        ("1,7,0", ["GPU-aa"]),
        ("GPU-a", ["GPU-aa"]),
        ("MIG-1", ["MIG-1"]),
    ],
)
def test_turns_are_taken_on_the_gpus_that_cuda_shows(asked: str | None, wanted: list[str]) -> None:
    assert turns.visible({} if asked is None else {"CUDA_VISIBLE_DEVICES": asked}, GPUS) == wanted


def test_turns_need_no_gpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert turns.listed() == []
    with turns.hold("train", tmp_path, print):
        pass


def test_turns_on_one_gpu_are_taken_one_after_the_other(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The driver's tool says that there is one; the lock is a real one."""
    name = f"GPU-test-{os.getpid()}"
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\necho {name}\n", "utf-8")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    said: list[str] = []
    waits, order = threading.Event(), []

    def say(line: str) -> None:
        said.append(line)
        waits.set()

    def second() -> None:
        with turns.hold("evaluate", Path("/b"), say):
            order.append("second")

    thread = threading.Thread(target=second)
    with turns.hold("train", Path("/a"), print):
        thread.start()
        assert waits.wait(30)
        order.append("first")
    thread.join(30)
    assert order == ["first", "second"]
    assert said[0].startswith(f"waits for `train of /a on {name}` (process {os.getpid()} on ")
    turns._file(name).unlink()
