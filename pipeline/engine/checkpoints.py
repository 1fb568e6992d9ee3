"""Checkpoints by the clock and at a SIGTERM, and what a resumed run must know beside the trainer's state."""

import contextlib
import json
import signal
import time
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback
from transformers.trainer import TRAINER_STATE_NAME
from transformers.trainer_utils import get_last_checkpoint

from pipeline.device import ranks
from pipeline.embedding.encode import EncodingStopped

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


class StopAtSigterm(TrainerCallback):
    """Ends a training at a checkpoint, once this process or any rank's got a SIGTERM; from `with` to its end.

    The step that goes on is finished; an evaluation that is due then, or that goes on, is left to whoever
    goes on. Ranks ask each other after each step, so that all of them stop behind the same one and none waits
    for another. After the last step only its evaluation is stopped.

    Attributes:
        step: Behind which the training stopped; None where it did not.
    """

    def __init__(self) -> None:
        self._asked = False
        self.step: int | None = None

    def __enter__(self) -> "StopAtSigterm":
        """Take the signal, where this is the thread that gets signals."""
        self._before: Any = None
        with contextlib.suppress(ValueError):
            self._before = signal.signal(signal.SIGTERM, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the signal to whoever had it before."""
        if self._before is not None:
            signal.signal(signal.SIGTERM, self._before)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Ask for a checkpoint and the end."""
        if state.global_step < state.max_steps and ranks.any_of(self._asked, torch.device(args.device)):
            self.behind(state, control)

    def on_prediction_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Break off the stock engine's loss on the dev split, which runs in one process."""
        if self._asked:
            raise EncodingStopped

    def behind(self, state: Any, control: Any) -> None:
        """Have the trainer write a checkpoint behind the step that it has finished, and end."""
        control.should_save = control.should_training_stop = True
        control.should_evaluate = False  # it can take longer than whoever sent the signal waits
        self.step = state.global_step

    def asked(self) -> bool:
        """Return whether this process got the signal."""
        return self._asked

    def _ask(self, signum: int, frame: object) -> None:
        self._asked = True


def leave_sigterm(worker: int) -> None:
    """Have a process that loads batches outlive a SIGTERM to all: the trainer ends it, behind the step.

    Args:
        worker: Its number, which torch gives.
    """
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def lacks_evaluation(folder: Path, every: int) -> bool:
    """Return whether a training stopped at a checkpoint before the evaluation that was due there.

    Args:
        folder: The checkpoint.
        every: Steps between evaluations; 0 for none.
    """
    state = json.loads((folder / TRAINER_STATE_NAME).read_text(encoding="utf-8"))
    step = state["global_step"]
    due = every > 0 and step % every == 0
    return due and not any(one["step"] == step and "eval_loss" in one for one in state["log_history"])


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
