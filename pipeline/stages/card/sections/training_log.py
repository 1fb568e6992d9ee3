"""The log of a training: a table that fits the page, and one with every width and split."""

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.records import CurvePoint, HeldOut, Metrics, Training
from pipeline.stages.card.markdown import decimal
from pipeline.wording import words
from pipeline.wording.counted import counted, listed

_LOSSES = ("epoch", "step", "training loss", "validation loss")
# More columns than these are folded away.
_FITS = 8


def context(metrics: Metrics, training: Training) -> dict[str, Any]:
    """Return the narrow table and, where there is more to show, the wide one; no column holds nothing."""
    dims = sorted(next(iter(metrics.candidate.splits.values())).triplets, reverse=True)
    splits: list[HeldOut] = ["dev", *(split for split in metrics.candidate.splits if split != "dev")]
    scores = _scores(metrics, training)
    wide = [
        (split, dim)
        for split in splits
        for dim in dims
        if any((split, dim) in found for found in scores.values())
    ]
    measured = [dim for split, dim in wide if split == "dev"]
    narrow: list[tuple[HeldOut, int]] = [
        ("dev", dim) for dim in dict.fromkeys([*measured[:1], *measured[-1:]])
    ]
    if len(_LOSSES) + len(wide) <= _FITS:
        narrow, wide = wide, []
    folded = len(wide) > len(narrow)
    return {
        "log_columns": [*_LOSSES, *(_named(split, dim) for split, dim in narrow)],
        "log_note": _note(training, scored=bool(narrow)),
        "logs": _rows(training, scores, narrow),
        "wide_log": _rows(training, scores, wide) if folded else [],
        "wide_log_columns": [*_LOSSES, *(_named(split, dim) for split, dim in wide)],
        "wide_log_title": _title(training, wide) if folded else "",
        "seen": _seen(training),
    }


def _scores(metrics: Metrics, training: Training) -> dict[int, dict[tuple[HeldOut, int], float]]:
    """Return the accuracies that are known at a step.

    Those of the log are of dev; of the other splits only base and candidate are known, which are the model
    before the first step and after the last.
    """
    found: dict[int, dict[tuple[HeldOut, int], float]] = {
        point.step: {("dev", dim): value for dim, value in (point.accuracy or {}).items()}
        for point in training.curve
    }
    ends = {0: metrics.models["base"], training.steps: metrics.candidate}
    for step, model in ends.items():
        for split, scores in model.splits.items():
            if split != "dev" and step in found:
                found[step] |= {(split, dim): one.accuracy for dim, one in scores.triplets.items()}
    return found


def _note(training: Training, *, scored: bool) -> str:
    """Say what the rows and columns are."""
    if not training.curve:
        return f"Nothing was logged in {counted(training.steps, 'step')}."
    parts = ["step 0 is the base"] if training.curve[0].step == 0 else []
    parts += ["columns named by a split are its triplet accuracy at so many dimensions"] if scored else []
    said = "; ".join(parts)
    return f"{said[:1].upper()}{said[1:]}." if said else ""


def _title(training: Training, columns: Sequence[tuple[HeldOut, int]]) -> str:
    """Say what the wide table has besides."""
    others = [split for split in dict.fromkeys(split for split, _ in columns) if split != "dev"]
    logged = {point.step for point in training.curve}
    ends = [when for step, when in ((0, "before"), (training.steps, "after")) if step in logged]
    return f"The same at every width{f', with {others[0]} {listed(ends)} training' if others else ''}"


def _seen(training: Training) -> str:
    """Say how much of the rows a training saw that ended within its first epoch."""
    last = training.curve[-1] if training.curve else None
    epochs = last.epoch * training.steps / last.step if last is not None and last.step else 1.0
    if epochs >= 1:
        return ""
    steps = counted(training.steps, "step")
    return f"; training ended after {steps}, which saw about {words.percent(epochs)} of them"


def _named(split: HeldOut, dim: int) -> str:
    return f"{split} at {dim:,}"


def _rows(
    training: Training,
    scores: Mapping[int, Mapping[tuple[HeldOut, int], float]],
    columns: Sequence[tuple[HeldOut, int]],
) -> list[list[str]]:
    return [
        [*_step(point), *(decimal(scores[point.step].get(column)) for column in columns)]
        for point in training.curve
    ]


def _step(point: CurvePoint) -> list[str]:
    losses = (point.training_loss, point.validation_loss)
    return [f"{point.epoch:.4f}", f"{point.step:,}", *(decimal(value) for value in losses)]
