"""The tables and sentences of a card, each from a record."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.records import Accuracy, Audit, Metrics, Pin, Reembed, Training, Verdict
from pipeline.stages.card.markdown import cell, number

_LIBRARIES = {
    "python": "Python",
    "sentence-transformers": "Sentence Transformers",
    "transformers": "Transformers",
    "torch": "PyTorch",
    "accelerate": "Accelerate",
    "datasets": "Datasets",
    "tokenizers": "Tokenizers",
}
# Files of a base that does more than dense vectors, as BGE-M3 does.
_HEADS = {"sparse_linear.pt": "sparse (lexical) head", "colbert_linear.pt": "multi-vector (ColBERT) head"}


@dataclass(frozen=True)
class Read:
    """The records behind a card."""

    pin: Pin
    audit: Audit
    training: Training
    metrics: Metrics
    verdict: Verdict
    reembed: Reembed


def of(read: Read, mistakes: Mapping[int, list[str]]) -> dict[str, Any]:
    """Give everything that the templates show of the records beside the records themselves.

    Args:
        read: The records.
        mistakes: Rows of the worst mistakes that may be shown, by number.
    """
    pin, metrics = read.pin, read.metrics
    slices = metrics.slices.get("candidate", {})
    return {
        "base_link": _link(pin.endpoint, pin.base.repo, pin.base.revision),
        "dataset_link": _link(f"{pin.endpoint}/datasets", pin.dataset.repo, pin.dataset.revision),
        "dataset_name": pin.dataset.repo.split("/")[1],
        "heads": " and ".join(shown for file, shown in _HEADS.items() if file in pin.base.unused),
        "longest": _longest(read),
        "stored_vectors": _stored_vectors(read.reembed),
        "triplets": _triplets(metrics),
        "hard": [
            [split, *(_interval(scores.get(split)) for scores in metrics.hard.values())]
            for split in metrics.hard["candidate"]
        ],
        "hard_models": [_shown(name) for name in metrics.hard],
        "retrieval": _retrieval(metrics),
        "slices": [
            [cell(name), one.rows, *(_interval(scores.get(name)) for scores in metrics.slices.values())]
            for name, one in slices.items()
        ],
        "slice_models": [_shown(name) for name in metrics.slices],
        "cell_splits": metrics.cell_splits(),
        "cells": _cells(metrics),
        "probes": [
            [cell(name), kind, *(number(scores.get(name)) for scores in metrics.probes.values())]
            for name, kind in metrics.probe_kinds.items()
        ],
        "probe_models": [_shown(name) for name in metrics.probes],
        "mistakes": [
            [*map(cell, mistakes[row]), number(one.cos_positive), number(one.cos_negative)]
            for row, one in metrics.mistakes.worst.items()
            if row in mistakes
        ][:5],
        "worst": next(iter(metrics.mistakes.worst.values()), None),
        "log_columns": [name for name, _, _ in _log_columns(metrics)],
        "logs": _logs(read),
        "library_names": _LIBRARIES,
        "energy": _energy(read.training.speed.energy_joules),
        **_audit(read.audit),
    }


def _link(address: str, repo: str, revision: str) -> str:
    at = f"{address}/{repo}"
    return f"[{repo}]({at}) at [{revision[:7]}]({at}/tree/{revision})"


def _longest(read: Read) -> dict[str, int]:
    """Give the most tokens of a text that were read, of those trained on and of those tested on."""
    most = {
        split: max((one.max for one in found.tokens.values()), default=0)
        for split, found in read.audit.splits.items()
    }
    limit = read.training.max_seq_length
    return {split: min(limit, most.get(split, 0)) for split in ("train", "test")}


def _triplets(metrics: Metrics) -> dict[str, dict[str, Any]]:
    return {
        split: {
            "rows": next(iter(widths.values())).rows,
            "models": [_shown(name) for name in metrics.models],
            "cells": [
                [dim, *(_interval(scores[split].get(dim)) for scores in metrics.models.values())]
                for dim in widths
            ],
        }
        for split, widths in metrics.models["candidate"].items()
    }


def _shown(model: str) -> str:
    return {"candidate": "this model", "anchor": "best release so far"}.get(model, model)


def _retrieval(metrics: Metrics) -> dict[str, dict[str, Any]]:
    return {
        name: {
            "source": metrics.retrieval_source[name],
            "queries": next(iter(widths.values())).queries,
            "cells": [
                [
                    dim,
                    _shown(model),
                    *(number(value) for value in (one.ndcg10, one.mrr10, one.recall10, one.recall100)),
                ]
                for dim in widths
                for model, sets in metrics.retrieval.items()
                if (one := sets[name].get(dim)) is not None
            ],
        }
        for name, widths in metrics.retrieval["candidate"].items()
    }


def _cells(metrics: Metrics) -> list[list[Any]]:
    splits, chosen = metrics.cell_splits(), (metrics.chosen.dim, metrics.chosen.precision)
    return [
        [
            dim,
            precision,
            one.bytes_per_vector,
            *(number(one.ndcg10.get(split)) for split in splits),
            f"{one.search_ms:.2f}",
            "recommended" if (dim, precision) == chosen else "",
        ]
        for dim, row in metrics.cells.items()
        for precision, one in row.items()
    ]


def _stored_vectors(reembed: Reembed) -> str:
    """Say in a sentence what becomes of an index that holds the live model's vectors."""
    if reembed.compatible is None:
        return f"there was no live model to be compatible with; the vector space is `{reembed.space}`."
    shown = {name: number(value) for name, value in reembed.ndcg10.items()}
    if reembed.compatible:
        return (
            f"compatible with the live model's (space `{reembed.space}`): its queries on old documents reach "
            f"nDCG@10 {shown['new_on_old']}, where the live model alone has {shown['live']}."
        )
    return (
        f"**a new vector space** (`{reembed.space}`, before it `{reembed.live_space}`): embed all documents "
        f"again first; on old ones its queries reach nDCG@10 {shown.get('new_on_old', '-')}. "
        f"The machine of the evaluation embeds {reembed.vectors_per_hour:,.0f} texts an hour."
    )


def _log_columns(metrics: Metrics) -> list[tuple[str, str, int]]:
    splits = sorted(metrics.models["candidate"], key=lambda split: split != "dev")
    return [
        (f"{split}-{dim}d_cosine_accuracy", split, dim)
        for split in dict.fromkeys(["dev", *splits])
        for dim in (
            metrics.models["candidate"].get(split) or next(iter(metrics.models["candidate"].values()))
        )
    ]


def _logs(read: Read) -> list[list[str]]:
    """Give the base's row, every evaluation, and the last row with what the other splits gave."""
    curve, models = read.training.curve, read.metrics.models
    ends = {0: "base", len(curve) - 1: "candidate"}
    rows = []
    for place, point in enumerate(curve):
        scores: list[float | None] = []
        for _, split, dim in _log_columns(read.metrics):
            if split == "dev":
                scores.append((point.accuracy or {}).get(dim))
            else:
                one = models[ends[place]][split].get(dim) if place in ends else None
                scores.append(one.accuracy if one else None)
        losses = (point.training_loss, point.validation_loss)
        rows.append([f"{point.epoch:.4f}", str(point.step), *(number(value) for value in (*losses, *scores))])
    return rows


def _audit(audit: Audit) -> dict[str, Any]:
    dropped: dict[str, int] = {}
    for split in audit.splits.values():
        for reason, count in split.dropped.items():
            dropped[reason] = dropped.get(reason, 0) + count
    return {
        "rejected": ", ".join(f"{cell(reason)} {count:,}" for reason, count in sorted(dropped.items()))
        or "none",
        "near_train": " and ".join(
            f"{count:,} of {audit.splits[split].kept:,} {split} rows"
            for split, count in audit.near_train.items()
        ),
        "shortcuts": "; ".join(
            f"on {split} a word classifier that never sees the query gets {found.bag_of_words:.0%} of the "
            f"triplets right, BM25 {found.bm25:.0%}, neither of them {found.hard_rows:,} (the hard subset)"
            for split, found in audit.shortcut.items()
        ),
        "personal": ", ".join(
            f"{cell(kind)} in {count:,} rows" for kind, count in audit.personal_data.items()
        )
        or "none was found",
        "over_long": sum(
            lengths.over_long for split in audit.splits.values() for lengths in split.tokens.values()
        ),
    }


def _energy(joules: float | None) -> str:
    if joules is None:
        return "not measured: this machine does not say what it draws"
    return f"{joules / 3600:,.1f} Wh in training, of processors and cards"


def _interval(score: Accuracy | None) -> str:
    return "-" if score is None else f"{score.accuracy:.4f} ({score.low:.4f} to {score.high:.4f})"
