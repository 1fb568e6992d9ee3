"""The tables and sentences of a card, each from a record."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.records import Audit, HeldOut, Metrics, Pin, Reembed, Training, Verdict
from pipeline.records.tables import text_columns
from pipeline.stages.card import licences, plots
from pipeline.stages.card.markdown import cell, decimal, inline, link
from pipeline.stages.card.sections import (
    audit_facts,
    base_changes,
    differences,
    first_screen,
    lengths,
    probe_tables,
    score_tables,
    training_log,
)

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


def context(read: Read, mistakes: Mapping[int, list[str]], decides: HeldOut) -> dict[str, Any]:
    """Return everything that the templates show of the records beside the records themselves.

    Args:
        read: The records.
        mistakes: Rows of the worst mistakes that may be shown, by number.
        decides: The split of the gate.
    """
    pin, metrics, training = read.pin, read.metrics, read.training
    worst = metrics.mistakes.worst if metrics.mistakes is not None else {}
    return {
        **first_screen.context(metrics, read.verdict, decides),
        **differences.context(read.verdict),
        "pictures": plots.shown(metrics, training, decides),
        "base_link": link(pin.endpoint, pin.base),
        "dataset_link": link(f"{pin.endpoint}/datasets", pin.dataset),
        "dataset_name": pin.dataset.repo.split("/")[1],
        "measured_licences": licences.measured(
            {name: one.license for name, one in pin.probes.items()}
            | ({"the service's own": pin.retrieval.license} if pin.retrieval else {})
        ),
        "base_changes": base_changes.sentences(pin.base_trial, metrics.base_prompts, training.prompts),
        "heads": " and ".join(shown for file, shown in _HEADS.items() if file in pin.base.unused),
        "prompts": _prompts(training.prompts),
        **lengths.context(read.audit, training.max_seq_length, probed=bool(metrics.probe_measures)),
        "columns": {split: text_columns(found.tokens) for split, found in read.audit.splits.items()},
        "stored_vectors": _stored_vectors(read.reembed),
        **score_tables.context(metrics, pin, decides),
        **probe_tables.context(metrics, pin, read.verdict),
        "mistakes": [
            [*map(cell, mistakes[row]), decimal(one.cos_positive), decimal(one.cos_negative)]
            for row, one in worst.items()
            if row in mistakes
        ][:5],
        "worst": next(iter(worst.values()), None),
        **training_log.context(metrics, training),
        "hyperparameters": _hyperparameters(training.hyperparameters),
        "again": _again(training.speed.device),
        "library_names": _LIBRARIES,
        "energy": _energy(training.speed.energy_joules),
        **audit_facts.context(read.audit),
    }


def _prompts(prompts: Mapping[str, str]) -> str:
    """Say what stands before queries and documents; of nothing it says that."""
    if not any(prompts.values()):
        return "none"
    return ", ".join(f"{role} {inline(prompt)}" for role, prompt in prompts.items())


def _hyperparameters(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return the trainer's arguments with the warm-up once, of which the library uses one of two names."""
    unused = "warmup_ratio" if found.get("warmup_ratio") is None else "warmup_steps"
    both = {"warmup_ratio", "warmup_steps"} <= found.keys()
    return {name: value for name, value in found.items() if not (both and name == unused)}


def _again(device: str) -> str:
    """Say what another training gives; a device is a type and a name."""
    if device.split()[0] == "cpu":
        return (
            "gives a statistically equal model, and the same bytes only where nothing of the machine differs"
        )
    return "on a GPU gives a statistically equal model, not the same bytes"


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


def _energy(joules: float | None) -> str:
    if joules is None:
        return "not measured: this machine does not say what it draws"
    return f"{joules / 3600:,.1f} Wh in training, of processors and cards"
