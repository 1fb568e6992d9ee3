"""What is refused before a rank starts, and what is said of one that could say nothing."""

import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from pipeline.device import launch
from pipeline.device.failure_note import Failure
from pipeline.errors import InvalidParams, InvalidWorkspace, TrainingFailed
from pipeline.params import load
from pipeline.params.machine import HardwareParams, LaunchParams
from tests.support.workspaces import PROJECT


def hardware(**wanted: Any) -> HardwareParams:
    chosen = LaunchParams(**{"processes": 2, "machines": 1, "rendezvous": None} | wanted)
    return load(PROJECT).hardware.model_copy(update={"launch": chosen})


def test_launch_takes_ranks_on_a_cpu_and_leaves_other_machines_out_where_it_is_told() -> None:
    assert launch.demand(hardware()).processes == 2
    with pytest.raises(InvalidParams, match=r"hardware\.launch is null"):
        launch.demand(load(PROJECT).hardware)
    alone = launch.one_machine(hardware(machines=2, rendezvous="a:1")).launch
    assert alone == LaunchParams(processes=2, machines=1, rendezvous=None)


def lack_nccl(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(torch.cuda, "is_available", lambda: True)
    patch.setattr(torch.distributed, "is_nccl_available", lambda: False)


def one_card(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(torch.cuda, "is_available", lambda: True)
    patch.setattr(torch.distributed, "is_nccl_available", lambda: True)
    patch.setattr(torch.cuda, "device_count", lambda: 1)


def lack_gloo(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(torch.cuda, "is_available", lambda: False)
    patch.setattr(torch.distributed, "is_gloo_available", lambda: False)


@pytest.mark.parametrize(
    ("machine", "error", "message"),
    [
        (lack_nccl, InvalidWorkspace, r"torch 2\S+ here was built without NCCL, by which cards talk"),
        (lack_gloo, InvalidWorkspace, r"without gloo, by which processes on CPUs talk"),
        (one_card, InvalidParams, r"processes is 2 and this machine has 1 GPUs; wanted one for each"),
    ],
)
def test_launch_refuses_what_this_machine_cannot_connect(
    machine: Callable[[pytest.MonkeyPatch], None],
    error: type[Exception],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    machine(monkeypatch)
    with pytest.raises(error, match=message):
        launch.run("none", tmp_path, hardware())


def test_launch_says_that_the_other_machines_did_not_come_and_leaves_all_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    monkeypatch.setattr(launch, "SECONDS_TO_MEET", 1)
    before = signal.getsignal(signal.SIGTERM), os.environ.get("TORCH_CPP_LOG_LEVEL")
    with pytest.raises(
        InvalidWorkspace, match=rf"the 2 machines did not meet at 127\.0\.0\.1:{port}: .*join 1"
    ):
        launch.run("none", tmp_path, hardware(machines=2, rendezvous=f"127.0.0.1:{port}"))
    assert (signal.getsignal(signal.SIGTERM), os.environ.get("TORCH_CPP_LOG_LEVEL")) == before


def test_launch_raises_what_the_first_rank_said_or_how_it_ended() -> None:
    said = launch.raised(Failure("InvalidParams", "train.engine: stock"))
    assert isinstance(said, InvalidParams)
    assert str(said) == "train.engine: stock"
    silent = SimpleNamespace(error_file_data={"message": "<NONE>"}, exitcode=-9, pid=77)
    failure, told = launch.first(SimpleNamespace(get_first_failure=lambda: (1, silent)))
    found = launch.raised(failure)
    assert not told
    assert isinstance(found, TrainingFailed)
    assert "rank 1 (process 77) was ended by signal 9" in str(found)
