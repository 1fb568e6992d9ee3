"""The tables of a card that show scores: of every model, of stored vectors, and along the training."""

from collections.abc import Mapping
from typing import Any

from pipeline.records import Accuracy, HeldOut, Metrics, ModelName, Retrieval, Training
from pipeline.stages.card.markdown import cell, decimal


def context(metrics: Metrics) -> dict[str, Any]:
    """Return what the templates show of the metrics."""
    return {
        "models": [_shown(name) for name in metrics.models],
        "triplets": _triplets(metrics),
        "hard": _hard(metrics),
        "retrieval": _retrieval(metrics),
        "slices": _slices(metrics),
        "stored_splits": _stored_splits(metrics),
        "stored_vectors_table": _stored_vectors(metrics),
        **_probes(metrics),
    }


def logs(metrics: Metrics, training: Training) -> dict[str, Any]:
    """Return the log of the training: the base's row, every evaluation, and what the other splits gave."""
    curve = training.curve
    ends = {0: metrics.models["base"], len(curve) - 1: metrics.candidate}
    columns = _log_columns(metrics)
    rows = []
    for place, point in enumerate(curve):
        scores: list[float | None] = []
        for _, split, dim in columns:
            if split == "dev":
                scores.append((point.accuracy or {}).get(dim))
            else:
                end = ends[place].splits[split].triplets.get(dim) if place in ends else None
                scores.append(end.accuracy if end is not None else None)
        losses = (point.training_loss, point.validation_loss)
        rows.append(
            [f"{point.epoch:.4f}", str(point.step), *(decimal(value) for value in (*losses, *scores))]
        )
    return {"log_columns": [name for name, _, _ in columns], "logs": rows}


def _triplets(metrics: Metrics) -> dict[str, dict[str, Any]]:
    return {
        split: {
            "rows": next(iter(ours.triplets.values())).rows,
            "cells": [
                [dim, *(_interval(one.splits[split].triplets.get(dim)) for one in metrics.models.values())]
                for dim in ours.triplets
            ],
        }
        for split, ours in metrics.candidate.splits.items()
        if ours.triplets
    }


def _hard(metrics: Metrics) -> list[list[str]]:
    return [
        [split, *(_interval(one.splits[split].hard) for one in metrics.models.values())]
        for split, ours in metrics.candidate.splits.items()
        if ours.hard is not None
    ]


def _slices(metrics: Metrics) -> list[list[Any]]:
    return [
        [
            cell(f"{column}={value}"),
            score.rows,
            *(
                _interval(one.splits[split].slices.get(column, {}).get(value))
                for one in metrics.models.values()
            ),
        ]
        for split, ours in metrics.candidate.splits.items()
        for column, values in ours.slices.items()
        for value, score in values.items()
    ]


def _probes(metrics: Metrics) -> dict[str, Any]:
    """Return a row per probe, and the models that were asked: all but the anchor."""
    asked = {name: one.probes for name, one in metrics.models.items() if name != "anchor"}
    return {
        "probe_models": [_shown(name) for name in asked],
        "probes": [
            [cell(probe), measure, *(decimal(scores.get(probe)) for scores in asked.values())]
            for probe, measure in metrics.probe_measures.items()
        ],
    }


def _shown(model: ModelName) -> str:
    return {"candidate": "this model", "anchor": "best release so far"}.get(model, model)


def _retrieval(metrics: Metrics) -> dict[str, dict[str, Any]]:
    tables = {
        f"own_{split}": _searched(
            "the split's own texts",
            {name: one.splits[split].retrieval for name, one in metrics.models.items()},
        )
        for split in metrics.candidate.splits
    }
    if metrics.service is not None:
        source = f"{metrics.service.repo}@{metrics.service.revision}"
        tables["service"] = _searched(source, {name: one.service for name, one in metrics.models.items()})
    return tables


def _searched(source: str, scores: Mapping[ModelName, Mapping[int, Retrieval]]) -> dict[str, Any]:
    """Return what one set of queries is, and a row per width and model."""
    ours = scores["candidate"]
    return {
        "source": source,
        "queries": next(iter(ours.values())).queries,
        "cells": [
            [
                dim,
                _shown(model),
                *(decimal(value) for value in (one.ndcg10, one.mrr10, one.recall10, one.recall100)),
            ]
            for dim in ours
            for model, by_dim in scores.items()
            if (one := by_dim.get(dim)) is not None
        ],
    }


def _stored_splits(metrics: Metrics) -> list[HeldOut]:
    return sorted(metrics.recommended.ndcg10)


def _stored_vectors(metrics: Metrics) -> list[list[Any]]:
    return [
        [
            one.dim,
            one.precision,
            one.bytes_per_vector,
            *(decimal(one.ndcg10[split]) for split in _stored_splits(metrics)),
            f"{one.search_ms:.2f}",
            "recommended" if one == metrics.recommended else "",
        ]
        for one in metrics.stored_vectors
    ]


def _log_columns(metrics: Metrics) -> list[tuple[str, HeldOut, int]]:
    """Return the name, the split and the width of every accuracy of the log; dev is scored on the way."""
    splits = metrics.candidate.splits
    dims = next(iter(splits.values())).triplets
    scored: list[HeldOut] = ["dev", *(split for split in splits if split != "dev")]
    return [(f"{split}-{dim}d_cosine_accuracy", split, dim) for split in scored for dim in dims]


def _interval(score: Accuracy | None) -> str:
    return "-" if score is None else f"{score.accuracy:.4f} ({score.low:.4f} to {score.high:.4f})"
