"""The tables of a card that show scores: of every model, and of stored vectors."""

from collections.abc import Mapping
from typing import Any

from pipeline.records import Accuracy, Difference, HeldOut, Metrics, ModelName, Pin, Retrieval
from pipeline.stages.card.markdown import cell, decimal
from pipeline.wording import words
from pipeline.wording.counted import counted

# This model last, after those that it is compared with.
_ORDER: tuple[ModelName, ...] = ("base", "live", "anchor", "candidate")


def context(metrics: Metrics, pin: Pin, decides: HeldOut) -> dict[str, Any]:
    """Return what the templates show of the metrics.

    Args:
        metrics: What was measured.
        pin: Where the service's own retrieval set comes from.
        decides: The split of the gate.
    """
    return {
        "models": [shown(name) for name in in_order(metrics)],
        "triplets": _triplets(metrics),
        "hard": _hard(metrics),
        "retrieval": _retrieval(metrics, pin),
        "slices": _slices(metrics, decides),
        "by_age": any(name.endswith(" rows") for name, *_ in _slices(metrics, decides)),
        "widest": {split: _widest(metrics, split) for split in metrics.candidate.splits},
        "stored_splits": _stored_splits(metrics),
        "stored_documents": _stored_documents(metrics),
        "own_documents": {
            split: of_documents(next(iter(scores.retrieval.values())).documents)
            for split, scores in metrics.candidate.splits.items()
        },
        "stored_vectors_table": _stored_vectors(metrics),
    }


def in_order(metrics: Metrics) -> list[ModelName]:
    """Return the models that tables show; an anchor that is the live model is shown once.

    One that has none of the widths was not measured.
    """
    live, anchor = (metrics.models.get(name) for name in ("live", "anchor"))
    once = live is not None and anchor is not None and live.revision == anchor.revision
    return [
        name
        for name in _ORDER
        if name in metrics.models
        and any(scores.retrieval for scores in metrics.models[name].splits.values())
        and not (once and name == "anchor")
    ]


def _triplets(metrics: Metrics) -> dict[str, dict[str, Any]]:
    return {
        split: {
            "rows": next(iter(ours.triplets.values())).rows,
            "cells": [
                [
                    f"{dim:,}",
                    *(
                        _interval(metrics.models[name].splits[split].triplets.get(dim))
                        for name in in_order(metrics)
                    ),
                ]
                for dim in ours.triplets
            ],
        }
        for split, ours in metrics.candidate.splits.items()
        if ours.triplets
    }


def _hard(metrics: Metrics) -> list[list[str]]:
    return [
        [
            f"{split}, {counted(ours.hard.rows, 'triplet')}",
            *(_interval(metrics.models[name].splits[split].hard) for name in in_order(metrics)),
        ]
        for split, ours in metrics.candidate.splits.items()
        if ours.hard is not None
    ]


def _slices(metrics: Metrics, decides: HeldOut) -> list[list[Any]]:
    """Return a row per part of the split that decides; a part that is the whole says nothing."""
    ours = metrics.candidate.splits[decides]
    whole = max((one.rows for one in ours.triplets.values()), default=0)
    return [
        [
            cell(f"{value} rows" if column == "rows" else f"{column} is {value}"),
            f"{score.rows:,}",
            *(
                _interval(metrics.models[name].splits[decides].slices.get(column, {}).get(value))
                for name in in_order(metrics)
            ),
        ]
        for column, values in ours.slices.items()
        for value, score in values.items()
        if score.rows < whole
    ]


def _widest(metrics: Metrics, split: HeldOut) -> str:
    """Say at which width hard subset and slices were measured: each model at the largest that it has."""
    widest = {name: max(metrics.models[name].splits[split].triplets, default=0) for name in in_order(metrics)}
    ours = widest["candidate"]
    others = [f"{shown(name)} at {dim:,}" for name, dim in widest.items() if dim not in (0, ours)]
    aside = f" ({', '.join(others)})" if others else ""
    return f"at {ours:,} dimensions{aside}"


def shown(model: ModelName) -> str:
    """Return what the card calls a model."""
    return {"candidate": "this model", "anchor": "best release so far"}.get(model, model)


def difference(one: Difference | None) -> str:
    """Show a difference to another model with its interval, or that there is none."""
    return "-" if one is None else words.interval(one)


def of_documents(count: int | None) -> str:
    """Say among how many texts was searched, where that is known."""
    return "" if count is None else f" among {counted(count, 'text')}"


def _retrieval(metrics: Metrics, pin: Pin) -> list[dict[str, Any]]:
    tables = [
        _searched(
            f"Queries of the {split} split among its own texts",
            {name: metrics.models[name].splits[split].retrieval for name in in_order(metrics)},
        )
        for split in metrics.candidate.splits
    ]
    if metrics.service is not None:
        address = f"{pin.endpoint}/datasets/{metrics.service.repo}"
        source = (
            f"The service's own retrieval set, [{metrics.service.repo}]({address}) at "
            f"[{metrics.service.revision[:7]}]({address}/tree/{metrics.service.revision})"
        )
        tables.append(_searched(source, {name: metrics.models[name].service for name in in_order(metrics)}))
    return tables


def _searched(source: str, scores: Mapping[ModelName, Mapping[int, Retrieval]]) -> dict[str, Any]:
    """Return what one set of queries is, and a row per width and model."""
    ours = scores["candidate"]
    one = next(iter(ours.values()))
    return {
        "source": f"{source}: {counted(one.queries, 'query', 'queries')}{of_documents(one.documents)}",
        "cells": [
            [
                f"{dim:,}",
                shown(model),
                *(decimal(value) for value in (found.ndcg10, found.mrr10, found.recall10, found.recall100)),
            ]
            for dim in ours
            for model, by_dim in scores.items()
            if (found := by_dim.get(dim)) is not None
        ],
    }


def _stored_splits(metrics: Metrics) -> list[HeldOut]:
    return sorted(metrics.recommended.ndcg10)


def _stored_documents(metrics: Metrics) -> str:
    """Say how many texts each split has, where that is known."""
    known = [
        f"{one.documents:,} of {split}"
        for split, scores in metrics.candidate.splits.items()
        for one in list(scores.retrieval.values())[:1]
        if split in metrics.recommended.ndcg10 and one.documents is not None
    ]
    return f" ({', '.join(known)})" if known else ""


def _stored_vectors(metrics: Metrics) -> list[list[Any]]:
    return [
        [
            f"{one.dim:,}",
            one.precision,
            f"{one.bytes_per_vector:,}",
            *(decimal(one.ndcg10[split]) for split in _stored_splits(metrics)),
            f"{one.search_ms:.2f}" if one.search_ms >= 0.01 else f"{one.search_ms:.1g}",
            "recommended" if one == metrics.recommended else "",
        ]
        for one in metrics.stored_vectors
    ]


def _interval(score: Accuracy | None) -> str:
    return "-" if score is None else f"{score.accuracy:.4f} ({score.low:.4f} to {score.high:.4f})"
