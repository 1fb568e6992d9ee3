"""The frozen records of a card, changed in one thing."""

from typing import Any

from pipeline.params import load
from pipeline.records import (
    Audit,
    Difference,
    Metrics,
    MtebScore,
    MtebTask,
    Pin,
    ProbeSet,
    RepoRef,
    Retrieval,
)
from pipeline.stages.card import step
from tests.golden import HERE

PARAMS, GOLDEN = load(HERE), step.records(HERE)
# The data set of a task, and the commit that mteb names.
OWN = RepoRef(repo="mteb/sts17", revision="7" * 40)


def difference(value: float, low: float, high: float, rows: int = 120) -> Difference:
    """Give a difference on so many rows."""
    return Difference(difference=value, low=low, high=high, alpha=0.01, rows=rows, clusters=rows, left_out=0)


def audited(**changes: Any) -> Audit:
    """Give the audit with other values."""
    return GOLDEN.audit.model_copy(update=changes)


def scored(documents: int | None, *, models: tuple[str, ...] = ("base", "candidate", "live")) -> Metrics:
    """Give some models' scores, searched among so many texts."""

    def searched(found: Retrieval) -> Retrieval:
        return found.model_copy(update={"documents": documents})

    changed: Any = {
        name: one.model_copy(
            update={
                "splits": {
                    split: scores.model_copy(
                        update={
                            "retrieval": {dim: searched(found) for dim, found in scores.retrieval.items()}
                        }
                    )
                    for split, scores in one.splits.items()
                }
            }
        )
        for name, one in GOLDEN.metrics.models.items()
        if name in models
    }
    return GOLDEN.metrics.model_copy(update={"models": changed})


def with_task(*subsets: str, whole: bool, at: RepoRef = OWN) -> tuple[Pin, Metrics]:
    """Give the golden records with a task of mteb and an ordinary probe."""
    task = MtebTask(
        name="STS17",
        kind="STS",
        metric="cosine_spearman",
        subsets=subsets,
        splits=("test",),
        whole=whole,
        own=OWN,
        version="2.26.24",
    )
    repo = GOLDEN.pin.dataset.model_copy(update=at.model_dump())
    parts = tuple(
        MtebScore(subset=one, split="test", score=0.5 + place / 8) for place, one in enumerate(subsets)
    )
    scored = {"probes": {"sts": 0.6, "law": 0.5}, "mteb": {"sts": parts}}
    models = {name: one.model_copy(update=scored) for name, one in GOLDEN.metrics.models.items()}
    metrics = GOLDEN.metrics.model_copy(
        update={
            "models": models,
            "probe_measures": {"sts": "mteb", "law": "ndcg10"},
            "probe_sets": {"sts": ProbeSet(dim=384, queries=1500, documents=None)},
            "mteb_version": "2.27.0",
        }
    )
    pin = GOLDEN.pin.model_copy(update={"probes": {"sts": repo, "law": repo}, "mteb": {"sts": task}})
    return pin, metrics


def twofold(pin: Pin, metrics: Metrics) -> tuple[Pin, Metrics]:
    """Give records `with_task` another probe, `half`, which is a subset of the task's."""
    task = pin.mteb["sts"].model_copy(update={"subsets": pin.mteb["sts"].subsets[:1], "whole": False})
    models = {
        name: one.model_copy(
            update={
                "mteb": one.mteb | {"half": one.mteb["sts"][:1]},
                "probes": one.probes | {"half": one.mteb["sts"][0].score},
            }
        )
        for name, one in metrics.models.items()
    }
    changed = {
        "models": models,
        "probe_measures": metrics.probe_measures | {"half": "mteb"},
        "probe_sets": metrics.probe_sets | {"half": metrics.probe_sets["sts"]},
    }
    return pin.model_copy(
        update={"probes": pin.probes | {"half": pin.probes["sts"]}, "mteb": pin.mteb | {"half": task}}
    ), metrics.model_copy(update=changed)
