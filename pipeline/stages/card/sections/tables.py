"""The tables and sentences of a card, each from a record."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.params import Params
from pipeline.params.card import policy
from pipeline.records import Audit, Metrics, Pin, Reembed, Speed, Training, Verdict
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
    release_facts,
    score_tables,
    training_log,
)
from pipeline.wording.counted import counted

_LIBRARIES = {
    "python": "Python",
    "sentence-transformers": "Sentence Transformers",
    "transformers": "Transformers",
    "torch": "PyTorch",
    "accelerate": "Accelerate",
    "datasets": "Datasets",
    "tokenizers": "Tokenizers",
}
_MISTAKES = 5
_NOT_SHOWN = {
    "none": "Rows of the data set are not shown in this card.",
    "approved": "It is not among the rows of the data set that may be shown.",
    "all": "It is not shown, because personal data was found in it.",
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


def context(params: Params, read: Read, mistakes: Mapping[int, list[str]], version: str) -> dict[str, Any]:
    """Return everything that the templates show of the records beside the records themselves.

    Args:
        params: Which split decides, and what may be lost.
        read: The records.
        mistakes: Rows of the worst mistakes that may be shown, by number.
        version: The one that a release bears.
    """
    pin, metrics, training, decides = read.pin, read.metrics, read.training, params.gate.split
    worst = metrics.mistakes.worst if metrics.mistakes is not None else {}
    return {
        **first_screen.context(metrics, read.verdict, decides, version),
        **differences.context(read.verdict),
        "new_space": read.reembed.compatible is False,
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
        **lengths.context(
            read.audit,
            training.max_seq_length,
            tested=list(metrics.candidate.splits),
            probed=bool(metrics.probe_measures),
        ),
        "columns": {split: text_columns(found.tokens) for split, found in read.audit.splits.items()},
        **release_facts.context(params, metrics, read.verdict, pin, read.reembed),
        **score_tables.context(metrics, pin, decides),
        **probe_tables.context(metrics, pin, read.verdict),
        "mistakes": [
            [*map(cell, mistakes[row]), decimal(one.cos_positive), decimal(one.cos_negative)]
            for row, one in worst.items()
            if row in mistakes
        ][:_MISTAKES],
        "worst": next(iter(worst.values()), None),
        "mistakes_title": _mistakes_title(metrics, mistakes),
        "not_shown": _NOT_SHOWN[policy(params.card, pin.dataset.private)],
        **_wrong(read),
        **training_log.context(metrics, training),
        "hyperparameters": _hyperparameters(training.hyperparameters),
        "again": _again(training.speed.device),
        "library_names": _LIBRARIES,
        "device": _device(training.speed, bf16=training.bf16),
        "energy": _energy(training.speed.energy_joules),
        **audit_facts.context(read.audit),
    }


def _mistakes_title(metrics: Metrics, shown: Mapping[int, list[str]]) -> str:
    """Name the mistakes that are shown; not all of the worst may be."""
    found = metrics.mistakes
    if found is None or found.wrong == 1:
        return "This is the one"
    worst = list(found.worst)[: min(_MISTAKES, len(shown))]
    return "The worst of them" if set(worst) <= set(shown) else "The worst of them that may be shown"


def _wrong(read: Read) -> dict[str, str]:
    """Say how many triplets are wrong, and what the accuracy of each kind of rows is."""
    metrics, found = read.metrics, read.metrics.mistakes
    if found is None:
        return {"wrong_said": "", "kinds_said": ""}
    rows = metrics.candidate.splits[found.split].triplets[found.dim].rows
    one = len(text_columns(read.audit.splits[found.split].tokens)) == 3
    nearer = f"{'the' if one else 'a'} negative is as near as the positive, or nearer"
    said = (
        f"At {found.dim:,} dimensions {f'{found.wrong:,}' if found.wrong else 'none'} of the "
        f"{counted(rows, 'triplet')} of {found.split} {'is' if found.wrong in (0, 1) else 'are'} wrong"
        f"{f': {nearer}' if found.wrong else ''}."
    )
    kinds = {
        "signal": "where positive and negative differ in a number, a date or a negation",
        "other": "where they do not",
    }
    if "signal" not in found.kinds:
        return {"wrong_said": said, "kinds_said": ""}
    parts = [
        f"{decimal(found.kinds[kind].accuracy)} {where} ({counted(found.kinds[kind].rows, 'row')})"
        for kind, where in kinds.items()
        if kind in found.kinds
    ]
    return {"wrong_said": said, "kinds_said": f"Accuracy is {' and '.join(parts)}."}


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


def _device(speed: Speed, *, bf16: bool) -> str:
    """Say on what was trained; a device is a type and a name, and each process has one."""
    several = f"{speed.processes:,} processes, each on " if speed.processes > 1 else ""
    return (
        f"{several}{cell(speed.device)}, {counted(speed.threads, 'thread')}{', in bfloat16' if bf16 else ''}"
    )


def _energy(joules: float | None) -> str:
    if joules is None:
        return "not measured: this machine does not say what it draws"
    return f"{joules / 3600:,.1f} Wh in training, of processors and cards"
