"""What training runs on is what params.yaml names."""

import subprocess
import sys

import pytest
import torch
from sentence_transformers.util import get_device_name

from pipeline.device import hardware, installation
from pipeline.errors import InvalidParams, InvalidWorkspace
from pipeline.params import load
from pipeline.params.machine import LaunchParams
from tests.support.workspaces import PROJECT


def test_installation_says_which_library_is_another_one() -> None:
    train = load(PROJECT).train
    installation.same_versions(train)
    versions = train.versions.model_copy(update={"torch": "0.0.1"})
    with pytest.raises(InvalidParams, match=r"train\.versions\.torch is 0\.0\.1 and .* is installed"):
        installation.same_versions(train.model_copy(update={"versions": versions}))


def test_installation_takes_the_device_of_sentence_transformers() -> None:
    assert installation.device_type() == get_device_name().partition(":")[0]


def test_installation_loads_no_sentence_transformers() -> None:
    code = "import sys; from pipeline.device import installation; installation.device(); print(*sys.modules)"
    shown = subprocess.check_output([sys.executable, "-c", code], cwd=PROJECT, text=True).split()
    assert "torch" in shown
    assert "sentence_transformers" not in shown


def test_installation_names_the_device() -> None:
    assert "GB free, in " in installation.device()


def test_installation_refuses_cards_that_torch_cannot_use(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = ("printf", "GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-1)\\nGPU 1: NVIDIA L4 (UUID: GPU-2)\\n")
    assert installation.cards_without_torch(listed) == ["NVIDIA H100 80GB HBM3", "NVIDIA L4"]
    assert installation.cards_without_torch(("false",)) == []
    assert installation.cards_without_torch(("/no/such/program",)) == []
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert installation.cards_without_torch(listed) == []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(installation, "cards_without_torch", lambda: ["NVIDIA L4"])
    with pytest.raises(InvalidWorkspace, match=r"has NVIDIA L4 and torch .* cannot use it.*on the CPU"):
        installation.device()


def test_installation_refuses_devices_that_nobody_tested(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda **_: torch.device("mps"))
    with pytest.raises(InvalidWorkspace, match="the device here is mps; wanted a CUDA card or a CPU"):
        installation.device()


@pytest.mark.parametrize(("device", "times"), [("cuda", 6), ("cpu", 2)])
def test_installation_counts_the_cards_that_train_together(
    device: str, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda **_: torch.device(device))
    monkeypatch.setattr(hardware, "peak_flops", lambda found, bf16: (1e14, "listed"))
    launch = LaunchParams(processes=3, machines=2, rendezvous="10.0.0.1:29500")
    assert installation.flops(False) == 1e14
    assert installation.flops(False, launch) == times * 1e14
