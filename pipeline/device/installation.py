"""What training runs on: the libraries that params.yaml names, and the device that is taken."""

import os
import subprocess
from importlib.metadata import version
from typing import TYPE_CHECKING

from pipeline.errors import InvalidParams, InvalidWorkspace
from pipeline.params.machine import LaunchParams
from pipeline.params.train import TrainParams

if TYPE_CHECKING:
    import torch

_DEVICES = frozenset({"cuda", "cpu"})
_LIST_CARDS = ("nvidia-smi", "--list-gpus")


def same_versions(train: TrainParams) -> None:
    """Refuse libraries that params.yaml does not name: others can give other weights, unseen by DVC.

    Raises:
        InvalidParams: Another one is installed.
    """
    for key, wanted in train.versions.model_dump().items():
        installed = version(key).partition("+")[0]  # a build of torch adds +cpu or +cu130
        if installed != wanted:
            raise InvalidParams(
                f"train.versions.{key} is {wanted} and {installed} is installed; wanted them equal. "
                "Install that one, or set the key, and the model is trained again"
            )


def device_type() -> str:
    """Return which kind of device sentence-transformers trains on: cuda, mps or cpu."""
    return _taken().type


def device() -> str:
    """Say which device sentence-transformers trains on, how much memory it has free, and in what it computes.

    Raises:
        InvalidWorkspace: There are cards and torch cannot use them, or it is no device that katman trains on.
    """
    import torch  # takes seconds, and who only compares versions needs none of it

    from pipeline.device import hardware

    found = _taken()
    if found.type not in _DEVICES:
        raise InvalidWorkspace(
            f"the device here is {found.type}; wanted a CUDA card or a CPU, on which loss, dropout and "
            "memory are tested. Train on such a machine"
        )
    cards = cards_without_torch() if found.type == "cpu" else []
    if cards:
        raise InvalidWorkspace(
            f"this machine has {', '.join(cards)} and torch {torch.__version__} cannot use it, so that "
            "training would run on the CPU; wanted a torch built for the driver (docs/operating.md). Install "
            "that, or set CUDA_VISIBLE_DEVICES to nothing to train on the CPU"
        )
    dtype = "bfloat16" if hardware.fast_bfloat16(found) else "float32, as it is not fast at bfloat16"
    free = hardware.free_memory_bytes(found) / 1e9
    return f"{hardware.device_name(found)}, {free:.1f} GB free, in {dtype}"


def cards_without_torch(command: tuple[str, ...] = _LIST_CARDS) -> list[str]:
    """Return the NVIDIA cards that their driver lists; none where the user hides them from CUDA."""
    if os.environ.get("CUDA_VISIBLE_DEVICES", "all").strip() in {"", "-1"}:
        return []
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.partition(":")[2].partition("(")[0].strip() for line in said.splitlines() if line.strip()]


def flops(bf16: bool, launch: LaunchParams | None = None) -> float:
    """Return the rate of arithmetic, which is measured in a quarter of a second where it is unknown.

    Args:
        bf16: Whether bfloat16 is asked for; it is taken where the device is fast at it.
        launch: The processes that train together, each with a GPU like this machine's; without GPUs those of
            a machine share its cores, and are no faster than one.
    """
    from pipeline.device import hardware

    found = _taken()
    rate, _ = hardware.peak_flops(found, bf16 and hardware.fast_bfloat16(found))
    together = 1 if launch is None else launch.machines * (launch.processes if found.type == "cuda" else 1)
    return (rate or 1e12) * together


def _taken() -> "torch.device":
    """Return the device that sentence-transformers takes, asked of torch: that library loads for seconds."""
    import torch

    found = torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")
    return torch.device(found.type, int(os.environ.get("LOCAL_RANK", "0"))) if found.type == "cuda" else found
