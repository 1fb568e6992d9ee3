"""What training runs on: the libraries that params.yaml names, and the device that is taken."""

from importlib.metadata import version

from pipeline.errors import InvalidParams
from pipeline.params.train import TrainParams


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
    from sentence_transformers.util import get_device_name

    return str(get_device_name()).partition(":")[0]


def device() -> str:
    """Say which device sentence-transformers trains on, and how much memory it has free."""
    import torch  # takes seconds, and who only compares versions needs none of it
    from sentence_transformers.util import get_device_name

    from pipeline.embedding import hardware

    found = torch.device(get_device_name())
    return f"{hardware.device_name(found)}, {hardware.free_memory_bytes(found) / 1e9:.1f} GB free"


def flops(bf16: bool) -> float:
    """Return the device's rate of arithmetic, which is measured in a quarter of a second where it is unknown.

    Args:
        bf16: Whether bfloat16 is asked for; it is taken where the device is fast at it.
    """
    import torch
    from sentence_transformers.util import get_device_name

    from pipeline.embedding import hardware

    found = torch.device(get_device_name())
    rate, _ = hardware.peak_flops(found, bf16 and hardware.fast_bfloat16(found))
    return rate or 1e12
