"""What the card says of the probes: what was kept of the world outside of the domain, and what was lost."""

from typing import Any

from pipeline.records import Metrics, ModelName, Pin, ProbeMeasure
from pipeline.stages.card.markdown import cell, decimal, link
from pipeline.stages.card.sections.score_tables import of_documents, shown

_MEASURES: dict[ProbeMeasure, str] = {"spearman": "Spearman's correlation", "ndcg10": "nDCG@10"}


def context(metrics: Metrics, pin: Pin) -> dict[str, Any]:
    """Return what the card shows of the probes.

    A row for each, the models that were asked (all but the anchor), a sentence about them, and one for each
    task of mteb.
    """
    asked = {name: one.probes for name, one in metrics.models.items() if name != "anchor"}
    return {
        "probe_models": [shown(name) for name in asked],
        "probes": [
            [
                cell(probe),
                f"{_measure(measure, probe, pin)}{_measured_on(metrics, probe)}",
                *(decimal(scores.get(probe)) for scores in asked.values()),
            ]
            for probe, measure in metrics.probe_measures.items()
        ],
        "probes_said": _said(metrics),
        "tasks_said": [_task_said(probe, pin, metrics) for probe in metrics.candidate.mteb],
    }


def _measure(measure: ProbeMeasure, probe: str, pin: Pin) -> str:
    """Name a measure; mteb's main scores have names for programs."""
    if measure != "mteb":
        return _MEASURES[measure]
    name = pin.mteb[probe].metric
    words = {"ndcg_at_10": "nDCG@10", "cosine_spearman": "Spearman's correlation"}
    return words.get(name, cell(name.replace("_", " ")))


def _task_said(probe: str, pin: Pin, metrics: Metrics) -> str:
    """Say what a task of mteb is scored on, and where that is not what mteb names for it."""
    task, scored = pin.mteb[probe], pin.probes[probe]
    parts = [
        f"{what}{'s' if len(names) > 1 else ''} {_few(names)}"
        for what, names in (("subset", task.subsets), ("split", task.splits))
        if names != ("default",)
    ]
    said = (
        f"{cell(probe)} is mteb's task {cell(task.name)} ({cell(task.kind)}; {', '.join(parts)}), scored by "
        f"mteb {metrics.mteb_version} on {link(f'{pin.endpoint}/datasets', scored)}"
    )
    if scored.repo != task.own.repo:
        return f"{said}, which is another data set than mteb's own ({cell(task.own.repo)})."
    if scored.revision != task.own.revision:
        return f"{said}, where mteb names the commit {task.own.revision[:7]}."
    return f"{said}, the commit that mteb names."


def _few(names: tuple[str, ...]) -> str:
    """List names, of many only how many there are."""
    return ", ".join(map(cell, names)) if len(names) <= 5 else f"({len(names)} of them)"


def _measured_on(metrics: Metrics, probe: str) -> str:
    found = metrics.probe_sets.get(probe)
    if found is None:
        return ""
    what = "pairs" if found.documents is None else f"queries{of_documents(found.documents)}"
    if found.documents is None and metrics.probe_measures[probe] == "mteb":
        what = "texts"
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
