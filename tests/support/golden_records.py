"""The frozen records of a card, changed in one thing."""

from typing import Any

from pipeline.params import load
from pipeline.records import Audit, Difference, Metrics, Retrieval
from pipeline.stages.card import step
from tests.golden import HERE

PARAMS, GOLDEN = load(HERE), step.records(HERE)


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
