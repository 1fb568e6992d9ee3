"""How far a step is, read off what it prints: its bar, its losses, its scores. Shown, never decided by."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from flows.output import Line
from pipeline.errors import PipelineError
from pipeline.params import load
from pipeline.records import ModelName

# As tqdm draws it: `33%|███   | 1/3 [00:01<00:02,  1.00it/s]`. The trainer's has no name before it, others do
# (`Loading weights: 100%|…`).
_BAR = re.compile(r"\d+%\|[^|]*\| *(?P<done>\d+)/(?P<total>\d+) \[[^<\]]*<(?:(?P<left>[\d:]+)|\?)")
# As `evaluate` says it: `base test: accuracy 0.9125, nDCG@10 0.8123 at 384`.
_SCORE = re.compile(
    rf"(?:{'|'.join(get_args(ModelName))}) \w+: (?:accuracy (?P<accuracy>[\d.]+), )?nDCG@10 [\d.]+ at \d+"
)
# As a training says it: `step 20 of 100: loss 0.2500, …`, and behind an evaluation
# `step 20 of 100: on dev loss 0.5000, accuracy 0.9300 at 384, …`, the largest width first.
_LOGGED = re.compile(
    r"step [\d,]+ of [\d,]+: (?:loss (?P<loss>[\d.]+)|on dev loss [\d.]+(?:, accuracy (?P<accuracy>[\d.]+))?)"
)
_UNITS = {"train": "steps", "evaluate": "scores"}


@dataclass(frozen=True)
class Progress:
    """How far a step is.

    Attributes:
        done: Of `total`: optimizer steps of a training, scores of an evaluation (one a model and split).
        accuracy: Of triplets, at the largest width, as it was logged last.
        seconds_left: None where nobody knows.
    """

    step: str
    done: int
    total: int
    loss: float | None = None
    accuracy: float | None = None
    seconds_left: float | None = None

    @property
    def percent(self) -> float:
        """From 0 to 100."""
        return 100.0 * min(1.0, self.done / self.total) if self.total else 0.0

    def __str__(self) -> str:
        """Return a line for a person.

        Example:
            >>> str(Progress("train", 20, 100, loss=0.25, accuracy=0.9125, seconds_left=180))
            'train: 20 of 100 steps, loss 0.2500, accuracy 0.9125, 3 minutes left'
        """
        parts = [f"{self.step}: {self.done:,} of {self.total:,} {_UNITS.get(self.step, '')}".rstrip()]
        parts += [] if self.loss is None else [f"loss {self.loss:.4f}"]
        parts += [] if self.accuracy is None else [f"accuracy {self.accuracy:.4f}"]
        known = self.seconds_left is not None and self.done < self.total
        parts += [f"{_said(self.seconds_left or 0.0)} left"] if known else []
        # Nobody counts these, and of a large model they take minutes.
        parts += ["then the stored vectors"] if self.step == "evaluate" and self.done >= self.total else []
        return ", ".join(parts)


class Reader:
    """Reads the lines of one step.

    Attributes:
        newest: How far it is; None until it has said so.
    """

    def __init__(self, step: str, scores: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin.

        Args:
            step: Its name.
            scores: How many lines with a score an evaluation prints.
            clock: Seconds.
        """
        self._step, self._scores, self._clock = step, scores, clock
        self._began, self._scored = clock(), 0
        self._loss: float | None = None
        self._accuracy: float | None = None
        self.newest: Progress | None = None

    def feed(self, line: Line) -> bool:
        """Take in a line; say whether something is known that was not."""
        bar = _BAR.match(line.text) if line.bar else None
        score = None if line.bar else _SCORE.fullmatch(line.text)
        if bar is not None and self._step == "train":
            total = int(bar["total"])
            # The trainer begins with its own; those of its evaluations look the same, but for their length.
            if self.newest is not None and total != self.newest.total:
                return False
            self._show(int(bar["done"]), total, _seconds(bar["left"]) if bar["left"] else None)
        elif score is not None:
            self._scored += 1
            self._accuracy = float(score["accuracy"]) if score["accuracy"] else None
            total = max(self._scores, self._scored)
            left = (self._clock() - self._began) / self._scored * (total - self._scored)
            self._show(self._scored, total, left)
        elif not line.bar and (logged := _LOGGED.match(line.text)):
            self._loss = float(logged["loss"]) if logged["loss"] else self._loss
            self._accuracy = float(logged["accuracy"]) if logged["accuracy"] else self._accuracy
            if self.newest is None:
                return False
            self._show(self.newest.done, self.newest.total, self.newest.seconds_left)
        else:
            return False
        return True

    def _show(self, done: int, total: int, left: float | None) -> None:
        self.newest = Progress(self._step, done, total, self._loss, self._accuracy, left)


def scores(workspace: Path) -> int:
    """Return how many scores `evaluate` prints: one for each model and split."""
    try:
        params = load(workspace)
    except PipelineError:  # the step itself says so
        return 0
    others = {params.live.revision, params.anchor.revision} - {None}
    return (2 + len(others)) * len(params.evaluate.splits)


def _seconds(clock: str) -> float:
    """Return the seconds of `1:02:03`."""
    seconds = 0
    for part in clock.split(":"):
        seconds = 60 * seconds + int(part)
    return float(seconds)


def _said(seconds: float) -> str:
    if seconds >= 7200:
        return f"{seconds / 3600:.1f} hours"
    return f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:.0f} seconds"
