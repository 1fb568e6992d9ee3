"""What a service relies on without asking: finite weights, in safetensors only."""

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from pipeline.embedding.weight_formats import OTHER_WEIGHTS, SAFETENSORS, suffix


def safetensors_only(folder: Path) -> bool:
    """Say whether a model folder holds weights, and all of them as safetensors."""
    suffixes = {suffix(path) for path in folder.rglob("*") if path.is_file()}
    return SAFETENSORS in suffixes and not suffixes & OTHER_WEIGHTS


def weights_finite(folder: Path) -> bool:
    """Say whether a folder's safetensors hold finite numbers alone; False for a broken file, or no file."""
    paths = sorted(folder.rglob("*.safetensors"))
    try:
        return bool(paths) and all(_finite(path) for path in paths)
    except SafetensorError:
        return False


def _finite(path: Path) -> bool:
    with safe_open(path, framework="pt") as file:
        tensors = (file.get_tensor(name) for name in file.keys())  # noqa: SIM118  (it is no mapping)
        return all(bool(torch.isfinite(one).all()) for one in tensors)
