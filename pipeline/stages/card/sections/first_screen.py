"""What a reader sees first: the verdict in a sentence, and one small table."""

from typing import Any

from pipeline.records import HeldOut, Metric, Metrics, ModelName, Outcome, SplitScores, Verdict
from pipeline.stages.card.markdown import cell, decimal
from pipeline.stages.card.sections.score_tables import difference, shown
from pipeline.wording import sentence, words

_SHOWN: tuple[ModelName, ...] = ("base", "live", "candidate")
_OTHERS: tuple[ModelName, ...] = ("base", "live")
_OUTCOMES: dict[Outcome, str] = {
    "passed": "passed its gate",
    "failed": "was refused by its gate and is not released",
    "underpowered": "is undecided and not released",
    "not_comparable": "could not be compared and is not released",
    "test_spent": "could not be judged and is not released",
}


def context(metrics: Metrics, verdict: Verdict, split: HeldOut) -> dict[str, Any]:
    """Return what the first template shows.

    Args:
        metrics: What was measured.
        verdict: What came of it.
        split: The one that decides.
    """
    said = sentence.say(verdict)
    scores = metrics.candidate.splits[split]
    dims = sorted({max(scores.retrieval), min(scores.retrieval)}, reverse=True)
    others = [name for name in _OTHERS if verdict.differences(name)]
    metrics_shown: list[Metric] = ["accuracy", "ndcg"] if scores.triplets else ["ndcg"]
    return {
        "outcome": _OUTCOMES[verdict.outcome],
        "decided": cell(said.decided),
        "remedy": cell(said.remedy.do),
        "patterns": [cell(one) for one in verdict.patterns.values()],
        "first_columns": [shown(name) for name in _models(metrics)] + [f"against {name}" for name in others],
        "first_rows": [
            [
                f"{'accuracy' if metric == 'accuracy' else words.METRICS[metric]} at {dim:,}",
                *(_score(metrics.models[name].splits[split], metric, dim) for name in _models(metrics)),
                *(difference(verdict.differences(name).get((metric, dim))) for name in others),
            ]
            for metric in metrics_shown
            for dim in dims
        ],
        "first_note": _note(scores, verdict, split),
        "hard_fell": _hard_fell(verdict),
    }


def _models(metrics: Metrics) -> list[ModelName]:
    return [name for name in _SHOWN if name in metrics.models]


def _score(scores: SplitScores, metric: Metric, dim: int) -> str:
    if metric == "accuracy":
        return decimal(scores.triplets[dim].accuracy if dim in scores.triplets else None)
    return decimal(scores.retrieval[dim].ndcg10 if dim in scores.retrieval else None)


def _note(scores: SplitScores, verdict: Verdict, split: HeldOut) -> str:
    """Say on what the table rests."""
    searched = next(iter(scores.retrieval.values()))
    rows = next((one.rows for one in scores.triplets.values()), None)
    among = "" if searched.documents is None else f" among {searched.documents:,} texts"
    parts = [] if rows is None else [f"{rows:,} triplets"]
    note = f"On {split}: {' and '.join([*parts, f'{searched.queries:,} queries{among}'])}."
    one = next(iter(verdict.comparisons.values()), None)
    if one is None:
        return note
    return (
        f"{note} A difference is this model less the other, on rows that neither was trained on, with its "
        f'{words.percent(1 - 2 * one.alpha)} interval; "not proven" where 0 lies in it.'
    )


def _hard_fell(verdict: Verdict) -> str | None:
    """Say than which models it is worse on the hard subset, or looks so; None where than none."""
    fell = {
        other: one
        for other in _OTHERS
        for (metric, _), one in verdict.differences(other).items()
        if metric == "hard" and one.difference < 0
    }
    if not fell:
        return None
    than = ", and ".join(
        f"{'is worse' if one.proven else 'looks worse'} than {words.MODELS[other]}, {words.interval(one)}"
        for other, one in fell.items()
    )
    rows = next(iter(fell.values())).rows
    return f"On the hard subset, {rows:,} rows that neither a word classifier nor BM25 gets right, it {than}."
