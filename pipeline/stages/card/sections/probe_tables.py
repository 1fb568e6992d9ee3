"""What the card says of the probes: what was kept of the world outside of the domain, and what was lost."""

from typing import Any

from pipeline.records import Metrics, ModelName, Pin, ProbeMeasure, Verdict
from pipeline.stages.card.markdown import cell, decimal, link
from pipeline.stages.card.sections.differences import level
from pipeline.stages.card.sections.score_tables import difference, of_documents, shown
from pipeline.wording import words
from pipeline.wording.counted import counted

_SHOWN: tuple[ModelName, ...] = ("base", "live", "candidate")
_OTHERS: tuple[ModelName, ...] = ("base", "live")
_MEASURES: dict[ProbeMeasure, str] = {"spearman": "Spearman's correlation", "ndcg10": "nDCG@10"}


def context(metrics: Metrics, pin: Pin, verdict: Verdict) -> dict[str, Any]:
    """Return what the card shows of the probes.

    A row for each, the models that were asked (all but the anchor) and the differences that are known, a
    sentence about them, and one for each task of mteb.
    """
    asked = {name: metrics.models[name].probes for name in _SHOWN if name in metrics.models}
    compared = [name for name in _OTHERS if any(name in found for found in verdict.probes.values())]
    return {
        "probe_columns": [*map(shown, asked), *(f"against {shown(name)}" for name in compared)],
        "probes": [
            [
                cell(probe),
                f"{_measure(measure, probe, pin)}{_measured_on(metrics, probe)}",
                *(decimal(scores.get(probe)) for scores in asked.values()),
                *(difference(verdict.probes.get(probe, {}).get(name)) for name in compared),
            ]
            for probe, measure in metrics.probe_measures.items()
        ],
        "probes_said": _said(metrics, verdict),
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
    one, many = ("pair", "pairs") if found.documents is None else ("query", "queries")
    if found.documents is None and metrics.probe_measures[probe] == "mteb":
        one, many = "text", "texts"
    on = f"{counted(found.queries, one, many)}{of_documents(found.documents)}"
    return f", {on}, at {found.dim:,} dimensions"


def _said(metrics: Metrics, verdict: Verdict) -> str:
    """Say on which probes the model lost, against its base; nothing is forgotten that did not fall.

    Forgotten is what is proven to be lower; where no interval is known, as of pairs and of mteb's scores, it
    is what is lower than the gate allows. Any other fall is open.
    """
    lost, open_ones = [], []
    for probe in metrics.probe_measures:
        ours, base = (metrics.models[name].probes.get(probe) for name in ("candidate", "base"))
        if ours is None or base is None or ours >= base:
            continue
        one, check = verdict.probes.get(probe, {}).get("base"), verdict.checks.get(f"forgetting_{probe}")
        one = one if one is not None and one.rows else None
        refused = check is not None and not check.passed
        if one is None:
            fell = f"{base - ours:.4f} lower on {cell(probe)}, without an interval"
        elif one.proven == "lower":
            fell = f"{words.change(one)} lower on {cell(probe)}"
        else:
            fell = f"{words.interval(one)} on {cell(probe)}"
        if refused if one is None else one.proven == "lower":
            lost.append(f"{fell}{', which is more than the gate allows' if refused else ''}")
        else:
            open_ones.append(f"{fell}{', which is more than the gate allows' if refused else ''}")
    said = [f"This model forgot something that its base knew: {'; '.join(lost)}."] if lost else []
    if open_ones:
        said.append(f"Whether it forgot something{' else' if lost else ''} is open: {'; '.join(open_ones)}.")
    if not said:
        said.append("Its base knew no more outside of the domain than this model does, by these probes.")
    known = [one for by_other in verdict.probes.values() for one in by_other.values()]
    if known:
        said.append(f"A difference is this model less the other, with its {level(known[0].alpha)} interval.")
    return " ".join(said)
