"""Training on several ranks through the step, by torch's launcher: what DVC gets, and what a user reads."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from pipeline.params import load
from pipeline.records import Training
from pipeline.stages.train import step as train
from pipeline.workspace.paths import RECORDS
from tests.support.workspaces import environment, set_params

# Of gradients that are 0 but for rounding, AdamW would make whole steps with its usual epsilon.
ALIKE = {"train.adam_epsilon": 1e-5, "hardware.threads": 1}
TWO = {"processes": 2, "machines": 1, "rendezvous": None}


def without_dropout(folder: Path) -> None:
    (path,) = (folder / "data/base").glob("config.json")
    config = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(
        json.dumps(config | {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}),
        encoding="utf-8",
    )


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model" / "model.safetensors")


@pytest.fixture(scope="module")
def start(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the finished workspace, whose base has no dropout and whose train stage has to run."""
    folder = Path(shutil.copytree(finished, tmp_path_factory.mktemp("start") / "work", symlinks=True))
    without_dropout(folder)
    set_params(folder, ALIKE)
    return folder


def copied(start: Path, folder: Path, **changes: object) -> Path:
    work = Path(shutil.copytree(start, folder, symlinks=True))
    set_params(work, {key.replace("__", "."): value for key, value in changes.items()})
    return work


def command(work: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=work,
        env=environment("http://127.0.0.1:1", work / "home"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_train_on_two_ranks_through_dvc_gives_the_model_of_one_process(start: Path, tmp_path: Path) -> None:
    work = copied(start, tmp_path / "two", hardware__launch=TWO)
    with command(work, "-m", "dvc", "repro", "--single-item", "train") as dvc:
        said = str(dvc.communicate()[0])
    assert dvc.returncode == 0, said
    one = copied(start, tmp_path / "one")
    wanted = train.run(one, load(one))
    record = Training.load(work / RECORDS["train"])
    assert (record.speed.processes, wanted.speed.processes) == (2, 1)
    assert "2 processes" in said
    for name, theirs in weights(one).items():
        torch.testing.assert_close(weights(work)[name], theirs, rtol=0, atol=1e-5)
    # The record says the same of the training, but for what it cost.
    for field in ("read", "params", "hyperparameters", "non_default", "triplets", "steps", "versions"):
        assert getattr(record, field) == getattr(wanted, field), field
    for ours, point in zip(record.curve, wanted.curve, strict=True):
        assert (ours.step, ours.epoch, ours.accuracy) == (point.step, point.epoch, point.accuracy)
        assert ours.validation_loss == pytest.approx(point.validation_loss, abs=1e-5)
        assert ours.training_loss == pytest.approx(point.training_loss, abs=1e-5)
    assert not list(work.glob(".checkpoints/*/checkpoint-*"))
    assert (work / "dvc.lock").read_text(encoding="utf-8") != (start / "dvc.lock").read_text(encoding="utf-8")


def ranks_of(process: subprocess.Popen[str]) -> list[int]:
    import psutil  # type: ignore[import-untyped]

    return [one.pid for one in psutil.Process(process.pid).children(recursive=True)]


@pytest.mark.long
def test_train_says_on_both_machines_that_a_rank_was_killed(start: Path, tmp_path: Path) -> None:
    """Two workspaces are two machines of one process each, whose training is long."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    wanted = {"processes": 1, "machines": 2, "rendezvous": f"127.0.0.1:{port}"}
    changes = {"hardware__launch": wanted, "hardware__save_minutes": 0, "train__epochs": 400}
    first, second = (copied(start, tmp_path / name, **changes) for name in ("first", "second"))
    with (
        command(first, "-m", "pipeline", "train") as here,
        command(second, "-m", "pipeline", "join", "1") as there,
    ):
        while not list(first.glob(".checkpoints/*/checkpoint-*/trainer_state.json")):
            assert here.poll() is None, here.communicate()[0]
            time.sleep(0.01)
        (rank,) = ranks_of(there)
        os.kill(rank, signal.SIGKILL)
        killed_at = time.monotonic()
        said = [process.communicate(timeout=120)[0] for process in (here, there)]
    assert time.monotonic() - killed_at < 60
    assert [here.returncode, there.returncode] == [1, 1], said
    assert "Traceback" not in "".join(said)
    messages = [text.splitlines()[-1].partition(": ")[2] for text in said]
    assert messages[0] == messages[1]
    assert f"rank 1 (process {rank}) was ended by signal 9" in messages[0]
    assert list(first.glob(".checkpoints/*/checkpoint-*"))


@pytest.mark.long
def test_train_on_two_ranks_that_got_a_sigterm_stops_behind_one_step(start: Path, tmp_path: Path) -> None:
    work = copied(start, tmp_path / "two", hardware__launch=TWO, train__epochs=400)
    with command(work, "-m", "pipeline", "train") as process:
        assert process.stdout is not None
        for line in process.stdout:
            if ": loss " in line:
                break
        for pid in [process.pid, *ranks_of(process)]:  # as whoever ends a step does
            os.kill(pid, signal.SIGTERM)
        said = process.stdout.read()
    assert process.returncode == 128 + signal.SIGTERM, said
    assert "Traceback" not in said
    (checkpoint,) = work.glob(".checkpoints/*/checkpoint-*")
    found = {one.name for one in checkpoint.iterdir()}
    assert {"rng_state_0.pth", "rng_state_1.pth", "trainer_state.json"} <= found
    assert said.splitlines()[-1].startswith("train: ended by SIGTERM, and all its ranks with it")
