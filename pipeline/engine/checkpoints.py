"""Checkpoints by the clock, and what a resumed run must know beside the trainer's own state."""

import json
import time
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback
from transformers.trainer_utils import get_last_checkpoint

from pipeline.device import ranks

_LOSSES = "losses.json"


class SaveByTime(TrainerCallback):
    """Asks for a checkpoint once so many minutes have passed since the last one.

    None is asked for after the last step: the model itself is saved then. Ranks save together, once the clock
    of one of them says so.
    """

    def __init__(self, minutes: float) -> None:
        self._seconds = 60 * minutes
        self._last = time.monotonic()

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Start the clock."""
        self._last = time.monotonic()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Ask for a checkpoint where it is time."""
        device = torch.device(args.device)
        if state.global_step < state.max_steps and ranks.any_of(
            time.monotonic() - self._last >= self._seconds, device
        ):
            control.should_save = True

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Start the clock again: writing took its time too."""
        self._last = time.monotonic()


def last_checkpoint(output_dir: str | Path | None) -> str | None:
    """Return the newest checkpoint under a folder that need not exist."""
    if output_dir is None or not Path(output_dir).is_dir():
        return None
    checkpoint: str | None = get_last_checkpoint(str(output_dir))  # type: ignore[no-untyped-call]
    return checkpoint


def common_checkpoint(output_dir: Path) -> str | None:
    """Return the newest checkpoint under a folder where every rank has the same one; None where not."""
    own = last_checkpoint(output_dir)
    names = {Path(each).name if each else None for each in ranks.objects(own)}
    return own if len(names) == 1 else None


def write_losses(folder: Path, losses: list[float]) -> None:
    """Write the losses since the last log into a checkpoint, before the trainer writes its own state."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _LOSSES).write_text(json.dumps(losses), encoding="utf-8")


def read_losses(folder: Path) -> list[float]:
    """Return the losses since the last log of a checkpoint; none where it is of an older version."""
    try:
        return [float(loss) for loss in json.loads((folder / _LOSSES).read_text(encoding="utf-8"))]
    except FileNotFoundError:
        return []
