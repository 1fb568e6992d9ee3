"""Weights that exist only as pickles become safetensors here, before anything else sees them."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.embedding.weight_formats import CAN_RUN_CODE, suffix
from pipeline.errors import InvalidData, first_line

if TYPE_CHECKING:
    import torch

_INDEX = "pytorch_model.bin.index.json"
_PART = re.compile(r"pytorch_model(-\d+-of-\d+)?\.bin")


def found(folder: Path) -> list[Path]:
    """List the files below a folder that can run code when they are loaded."""
    return sorted(path for path in folder.rglob("*") if suffix(path) in CAN_RUN_CODE)


def convert(folder: Path) -> tuple[str, ...]:
    """Replace every `pytorch_model.bin`, whole or in parts, below a folder by safetensors.

    What else can run code is refused: nothing but the pickles that params.yaml allows gets this far.

    torch reads it with `weights_only=True`, which builds tensors and nothing else.

    Returns:
        The paths, inside the folder, of the pickles that were replaced.

    Raises:
        InvalidData: A pickle holds more than named tensors, a file that can run code is no
            `pytorch_model.bin`, or parts have no index that names each.
    """
    pickles = found(folder)
    if not pickles:
        return ()
    from safetensors.torch import save_file  # imports torch: seconds, and few bases need it

    for path in pickles:
        name = path.relative_to(folder).as_posix()
        if not _PART.fullmatch(path.name):
            raise InvalidData(
                f"{name} can run code and is no whole set of weights; wanted pytorch_model.bin. "
                "Take it out of base.allow_pickle"
            )
    for home in sorted({path.parent for path in pickles if path.name != "pytorch_model.bin"}):
        parts = {path.name for path in pickles if path.parent == home} - {"pytorch_model.bin"}
        _rewrite_index(home, parts, (home / _INDEX).relative_to(folder).as_posix())
    for path in pickles:
        save_file(
            _tensors(path, path.relative_to(folder).as_posix()),
            path.with_name(_safe(path.name)),
            metadata={"format": "pt"},
        )
        path.unlink()
    return tuple(path.relative_to(folder).as_posix() for path in pickles)


def _tensors(path: Path, name: str) -> "dict[str, torch.Tensor]":
    import torch

    try:
        tensors = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch's unpickler lets a broken file raise anything, IndexError included
        raise InvalidData(
            f"{name} holds more than tensors, so it was not loaded ({first_line(error)[:120]}). "
            "Use a base with safetensors weights"
        ) from None
    if not isinstance(tensors, dict) or not all(
        isinstance(value, torch.Tensor) for value in tensors.values()
    ):
        raise InvalidData(f"{name} holds no mapping of tensors. Use a base with safetensors weights")
    # Tied weights share memory, which safetensors refuses; a clone each is the same model.
    return {key: value.detach().clone().contiguous() for key, value in tensors.items()}


def _rewrite_index(home: Path, parts: set[str], name: str) -> None:
    """Say of each weight in which safetensors file it will stand, as the pickles' own index says it."""
    try:
        index: Any = json.loads((home / _INDEX).read_bytes())
        places: dict[str, str] = index["weight_map"]
        named = set(places.values())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise InvalidData(
            f"the base has its weights in {len(parts)} pickles and no {name} that says which weight is in "
            "which; wanted that file. Pin a commit that has it, or a base with safetensors weights"
        ) from None
    if named != parts:
        odd = ", ".join(sorted(map(str, named ^ parts))[:5])
        raise InvalidData(
            f"{name} and the pickles that were allowed are not the same files: they differ in {odd}; wanted "
            "every part. Name each of them in base.allow_pickle"
        )
    index["weight_map"] = {key: _safe(part) for key, part in places.items()}
    (home / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")
    (home / _INDEX).unlink()


def _safe(pickle: str) -> str:
    """Return what a pickle's safetensors file is called: `model-00001-of-00002.safetensors`."""
    return pickle.replace("pytorch_model", "model", 1).removesuffix(".bin") + ".safetensors"
