"""The machine that steps will run on: where files go, what is installed, and the device that trains."""

import shutil
import tempfile
from pathlib import Path

from pipeline.device import installation
from pipeline.errors import BrokenChain, InvalidWorkspace
from pipeline.hub import surroundings
from pipeline.params import Params
from pipeline.params.train import TrainParams
from pipeline.preflight import resources
from pipeline.preflight.resources import Sizes
from pipeline.records import Pin
from pipeline.workspace import paths


def cache() -> str:
    """Say where downloads go and how much room is there.

    Raises:
        InvalidWorkspace: Nothing can be written there.
    """
    return _room(surroundings.writable_cache())


def temporary() -> str:
    """Say where temporary files go and how much room is there.

    Raises:
        InvalidWorkspace: Nothing can be written there.
    """
    try:
        folder = Path(tempfile.gettempdir())
    except FileNotFoundError as error:
        raise InvalidWorkspace(f"{error.strerror}; set TMPDIR to a folder that may be written") from None
    return _room(surroundings.writable(folder, "a data set is read there; set TMPDIR to another one"))


def versions(train: TrainParams) -> str:
    """Say which libraries will train.

    Raises:
        InvalidParams: Others are installed than params.yaml names.
    """
    installation.same_versions(train)
    return ", ".join(f"{name} {wanted}" for name, wanted in train.versions.model_dump().items())


def room(workspace: Path, params: Params, sizes: Sizes) -> str:
    """Say what disk the steps will take up, and how much is free.

    Raises:
        InvalidWorkspace: They take up more than is free; the part of a `pin` that has run is there.
    """
    needed = resources.disk(sizes, params)
    try:
        pin = Pin.load(workspace / paths.RECORDS["pin"])
        if (pin.dataset.revision, pin.base.revision) == (params.dataset.revision, params.base.revision):
            needed.pop("pin")
    except BrokenChain:
        pass
    total, free = sum(needed.values()), shutil.disk_usage(workspace).free
    steps = ", ".join(f"{step} {resources.shown(size)}" for step, size in needed.items())
    if total > free:
        raise InvalidWorkspace(
            f"the steps take up about {resources.shown(total)} ({steps}), and {resources.shown(free)} are "
            f"free at {workspace}; wanted room for all. Free some, or set hardware.save_minutes to null: "
            "checkpoints are the largest part"
        )
    return f"about {resources.shown(total)} will be used: {steps}"


def _room(folder: Path) -> str:
    return f"{folder}, {shutil.disk_usage(folder).free / 1e9:.1f} GB free"
