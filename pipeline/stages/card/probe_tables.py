"""What the card says of the probes: what was kept of the world outside of the domain, and what was lost."""

from typing import Any

from pipeline.records import Metrics, ModelName, ProbeMeasure
from pipeline.stages.card.markdown import cell, decimal
from pipeline.stages.card.score_tables import of_documents, shown

_MEASURES: dict[ProbeMeasure, str] = {"spearman": "Spearman's correlation", "ndcg10": "nDCG@10"}


def context(metrics: Metrics) -> dict[str, Any]:
    """Return a row per probe, the models that were asked (all but the anchor), and a sentence about them."""
    asked = {name: one.probes for name, one in metrics.models.items() if name != "anchor"}
    return {
        "probe_models": [shown(name) for name in asked],
        "probes": [
            [
                cell(probe),
                f"{_MEASURES[measure]}{_measured_on(metrics, probe)}",
                *(decimal(scores.get(probe)) for scores in asked.values()),
            ]
            for probe, measure in metrics.probe_measures.items()
        ],
        "probes_said": _said(metrics),
    }


def _measured_on(metrics: Metrics, probe: str) -> str:
    found = metrics.probe_sets.get(probe)
    if found is None:
        return ""
    what = "pairs" if found.documents is None else f"queries{of_documents(found.documents)}"
    return f", {found.queries:,} {what}, at {found.dim:,} dimensions"


def _said(metrics: Metrics) -> str:
    """Say on which probes the model lost, against its base; nothing is forgotten that did not fall."""

    def score(model: ModelName, probe: str) -> float | None:
        return metrics.models[model].probes.get(probe)

    lost = {}
    for probe in metrics.probe_measures:
        ours, base = score("candidate", probe), score("base", probe)
        if ours is not None and base is not None and ours < base:
            lost[probe] = base - ours
    if not lost:
        return "Its base knew no more outside of the domain than this model does, as far as these probes go."
    named = " and ".join(f"{decimal(fall)} on {cell(probe)}" for probe, fall in lost.items())
    return f"This model forgot something that its base knew: it lost {named}."
