"""Weights that exist only as a pickle become safetensors here, before anything else sees them."""

from pathlib import Path

from pipeline.embedding.weight_formats import CAN_RUN_CODE, suffix
from pipeline.errors import InvalidData, first_line


def convert(folder: Path) -> tuple[str, ...]:
    """Replace every `pytorch_model.bin` below a folder by a `model.safetensors` with the same tensors.

    What else can run code is refused: nothing but the pickles that params.yaml allows gets this far.

    torch reads it with `weights_only=True`, which builds tensors and nothing else.

    Returns:
        The paths, inside the folder, of the pickles that were replaced.

    Raises:
        InvalidData: A pickle holds more than named tensors, or a file that can run code is not called
            `pytorch_model.bin`.
    """
    pickles = sorted(path for path in folder.rglob("*") if suffix(path) in CAN_RUN_CODE)
    if not pickles:
        return ()
    import torch  # seconds to import, and few bases need it
    from safetensors.torch import save_file

    for path in pickles:
        name = path.relative_to(folder).as_posix()
        if path.name != "pytorch_model.bin":
            raise InvalidData(
                f"{name} can run code and is no whole set of weights; wanted pytorch_model.bin. "
                "Take it out of base.allow_pickle"
            )
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
        whole = {key: value.detach().clone().contiguous() for key, value in tensors.items()}
        save_file(whole, path.with_name("model.safetensors"), metadata={"format": "pt"})
        path.unlink()
    return tuple(path.relative_to(folder).as_posix() for path in pickles)
