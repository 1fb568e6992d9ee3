"""The tables and sentences of a card, each from a record."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.records import Audit, Metrics, Pin, Reembed, RepoRef, Training, Verdict
from pipeline.records.tables import text_columns
from pipeline.stages.card import base_changes, licences, score_tables
from pipeline.stages.card.markdown import cell, decimal

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


def context(read: Read, mistakes: Mapping[int, list[str]]) -> dict[str, Any]:
    """Return everything that the templates show of the records beside the records themselves.

    Args:
        read: The records.
        mistakes: Rows of the worst mistakes that may be shown, by number.
    """
    pin, metrics = read.pin, read.metrics
    worst = metrics.mistakes.worst if metrics.mistakes is not None else {}
    return {
        "base_link": _link(pin.endpoint, pin.base),
        "dataset_link": _link(f"{pin.endpoint}/datasets", pin.dataset),
        "dataset_name": pin.dataset.repo.split("/")[1],
        "measured_licences": licences.measured(
            {name: one.license for name, one in pin.probes.items()}
            | ({"the service's own": pin.retrieval.license} if pin.retrieval else {})
        ),
        "base_changes": base_changes.sentences(pin.base_trial, metrics.base_prompts, read.training.prompts),
        "heads": " and ".join(shown for file, shown in _HEADS.items() if file in pin.base.unused),
        "longest": _longest(read),
        "columns": {split: text_columns(found.tokens) for split, found in read.audit.splits.items()},
        "stored_vectors": _stored_vectors(read.reembed),
        **score_tables.context(metrics),
        "mistakes": [
            [*map(cell, mistakes[row]), decimal(one.cos_positive), decimal(one.cos_negative)]
            for row, one in worst.items()
            if row in mistakes
        ][:5],
        "worst": next(iter(worst.values()), None),
        **score_tables.logs(metrics, read.training),
        "library_names": _LIBRARIES,
        "energy": _energy(read.training.speed.energy_joules),
        **_audit(read.audit),
    }


def _link(address: str, pinned: RepoRef) -> str:
    at = f"{address}/{pinned.repo}"
    return f"[{pinned.repo}]({at}) at [{pinned.revision[:7]}]({at}/tree/{pinned.revision})"


def _longest(read: Read) -> dict[str, int]:
    """Return the most tokens of a text that were read, of those trained on and of those tested on."""
    most = {
        split: max((one.max for one in found.tokens.values()), default=0)
        for split, found in read.audit.splits.items()
    }
    limit = read.training.max_seq_length
    return {split: min(limit, most.get(split, 0)) for split in ("train", "test")}


def _stored_vectors(reembed: Reembed) -> str:
    """Say in a sentence what becomes of an index that holds the live model's vectors."""
    if reembed.compatible is None:
        return f"there was no live model to be compatible with; the vector space is `{reembed.space}`."
    shown = {name: decimal(value) for name, value in reembed.ndcg10.items()}
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
