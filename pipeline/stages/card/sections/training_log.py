"""The log of a training: a table that fits the page, and one with every width and split."""

from collections.abc import Sequence
from typing import Any

from pipeline.records import CurvePoint, HeldOut, Metrics, Training
from pipeline.stages.card.markdown import decimal

_LOSSES = ("epoch", "step", "training loss", "validation loss")
# More columns than these are folded away.
_FITS = 8


def context(metrics: Metrics, training: Training) -> dict[str, Any]:
    """Return the narrow table and, where there is more to show, the wide one."""
    dims = sorted(next(iter(metrics.candidate.splits.values())).triplets, reverse=True)
    scored: list[HeldOut] = ["dev", *(split for split in metrics.candidate.splits if split != "dev")]
    wide = [(split, dim) for split in scored for dim in dims]
    measured = [dim for dim in dims if any(dim in (point.accuracy or {}) for point in training.curve)]
    narrow: list[tuple[HeldOut, int]] = [
        ("dev", dim) for dim in dict.fromkeys([*measured[:1], *measured[-1:]])
    ]
    if len(_LOSSES) + len(wide) <= _FITS:
        narrow, wide = wide, []
    return {
        "log_columns": [*_LOSSES, *(_named(split, dim) for split, dim in narrow)],
        "logs": _rows(metrics, training, narrow),
        "wide_log": _rows(metrics, training, wide) if len(wide) > len(narrow) else [],
        "wide_log_columns": [*_LOSSES, *(_named(split, dim) for split, dim in wide)],
    }


def _named(split: HeldOut, dim: int) -> str:
    return f"{split} at {dim:,}"


def _rows(metrics: Metrics, training: Training, columns: Sequence[tuple[HeldOut, int]]) -> list[list[str]]:
    curve = training.curve
    ends = {0: metrics.models["base"], len(curve) - 1: metrics.candidate}
    rows = []
    for place, point in enumerate(curve):
        scores: list[float | None] = []
        for split, dim in columns:
            if split == "dev":
                scores.append((point.accuracy or {}).get(dim))
            else:
                end = ends[place].splits[split].triplets.get(dim) if place in ends else None
                scores.append(end.accuracy if end is not None else None)
        rows.append([*_step(point), *(decimal(value) for value in scores)])
    return rows


def _step(point: CurvePoint) -> list[str]:
    losses = (point.training_loss, point.validation_loss)
    return [f"{point.epoch:.4f}", f"{point.step:,}", *(decimal(value) for value in losses)]
