"""What a reader sees first: the verdict in a sentence, and one small table."""

from collections.abc import Sequence
from typing import Any

from pipeline.records import HeldOut, Metric, Metrics, ModelName, Outcome, SplitScores, Verdict
from pipeline.stages.card.markdown import cell, decimal
from pipeline.stages.card.sections.differences import compared
from pipeline.stages.card.sections.score_tables import difference, of_documents, shown
from pipeline.wording import sentence, words
from pipeline.wording.counted import counted, listed

_SHOWN: tuple[ModelName, ...] = ("base", "live", "candidate")
_OTHERS: tuple[ModelName, ...] = ("base", "live")
_OUTCOMES: dict[Outcome, str] = {
    "passed": "passed its gate",
    "failed": "was refused by its gate and is not released",
    "underpowered": "is undecided and not released",
    "not_comparable": "could not be compared and is not released",
    "test_spent": "could not be judged and is not released",
}


def context(metrics: Metrics, verdict: Verdict, split: HeldOut, version: str) -> dict[str, Any]:
    """Return what the first template shows.

    Args:
        metrics: What was measured.
        verdict: What came of it.
        split: The one that decides.
        version: The one that a release of it bears; a refused candidate never has it.
    """
    said = sentence.say(verdict)
    scores = metrics.candidate.splits[split]
    dims = sorted({max(scores.retrieval), min(scores.retrieval)}, reverse=True)
    metrics_shown: list[Metric] = ["accuracy", "ndcg"] if scores.triplets else ["ndcg"]
    keys = [(metric, dim) for metric in metrics_shown for dim in dims]
    models = [
        name
        for name in _SHOWN
        if name in metrics.models and any(dim in metrics.models[name].splits[split].retrieval for dim in dims)
    ]
    found = {name: verdict.differences(name) for name in _OTHERS}
    others = {name: [one for key in keys if (one := found[name].get(key)) is not None] for name in _OTHERS}
    others = {name: shown_ones for name, shown_ones in others.items() if shown_ones}
    return {
        "subject": version if verdict.passed else f"The candidate for {version}",
        "outcome": _OUTCOMES[verdict.outcome],
        "decided": cell(said.decided),
        "remedy": cell(said.remedy.do),
        "patterns": [cell(one) for one in verdict.patterns.values()],
        "first_columns": [*map(shown, models), *(f"against {name}" for name in others)],
        "first_rows": [
            [
                f"{'accuracy' if metric == 'accuracy' else words.METRICS[metric]} at {dim:,}",
                *(_score(metrics.models[name].splits[split], metric, dim) for name in models),
                *(difference(found[name].get((metric, dim))) for name in others),
            ]
            for metric, dim in keys
        ],
        "first_note": " ".join(
            [
                _measured_on(scores, dims, split),
                *_live(metrics, dims, split),
                *compared(others, verdict),
            ]
        ),
        "hard_fell": _hard_fell(verdict),
    }


def _score(scores: SplitScores, metric: Metric, dim: int) -> str:
    if metric == "accuracy":
        return decimal(scores.triplets[dim].accuracy if dim in scores.triplets else None)
    return decimal(scores.retrieval[dim].ndcg10 if dim in scores.retrieval else None)


def _measured_on(scores: SplitScores, dims: Sequence[int], split: HeldOut) -> str:
    """Say on what the scores rest, and what the numbers behind the metrics are."""
    searched = next(iter(scores.retrieval.values()))
    rows = [counted(one.rows, "triplet") for one in list(scores.triplets.values())[:1]]
    queries = f"{counted(searched.queries, 'query', 'queries')}{of_documents(searched.documents)}"
    return f"On {split}, at {listed([f'{dim:,}' for dim in dims])} dimensions: {listed([*rows, queries])}."


def _live(metrics: Metrics, dims: Sequence[int], split: HeldOut) -> list[str]:
    """Say what live is, and which of the widths it does not have."""
    if "live" not in metrics.models:
        return []
    known = metrics.models["live"].splits[split].retrieval
    missing = [f"{dim:,}" for dim in dims if dim not in known]
    if not known:
        return [
            "Live, the model in service when this one was judged, has none of these widths and was not "
            "measured."
        ]
    lacks = f"; it does not have {listed(missing, 'or')} dimensions" if missing else ""
    return [f"Live is the model that was in service when this one was judged{lacks}."]


def _hard_fell(verdict: Verdict) -> str | None:
    """Say than which models it is worse on the hard subset, or looks so; None where than none."""
    fell = [
        (other, dim, one)
        for other in _OTHERS
        for (metric, dim), one in verdict.differences(other).items()
        if metric == "hard" and one.difference < 0
    ]
    if not fell:
        return None
    than = ", and ".join(
        f"{'is' if one.proven else 'looks'} worse than {words.MODELS[other]} in accuracy at {dim:,}: "
        f"{words.interval(one)} on {counted(one.rows, 'row')}"
        for other, dim, one in fell
    )
    return f"On the hard subset, which neither a word classifier nor BM25 gets right, it {than}."
