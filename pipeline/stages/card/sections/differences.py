"""The tables of a card that a verdict fills: differences to the other models, and every check."""

from typing import Any, get_args

from pipeline.records import Metric, ModelName, Verdict
from pipeline.stages.card.markdown import cell
from pipeline.stages.card.sections.score_tables import difference
from pipeline.wording import sentence, words

_OTHERS: tuple[ModelName, ...] = ("base", "live", "anchor")


def context(verdict: Verdict) -> dict[str, Any]:
    """Return a row per metric and width, per check, and per comparison."""
    found = {name: verdict.differences(name) for name in _OTHERS}
    others = [name for name in _OTHERS if found[name]]
    order = {metric: place for place, metric in enumerate(get_args(Metric))}
    keys = sorted({key for name in others for key in found[name]}, key=lambda key: (order[key[0]], -key[1]))
    return {
        "difference_columns": [f"against {words.MODELS[name]}" for name in others],
        "differences": [
            [
                f"{words.METRICS[metric]} at {dim:,}",
                *(difference(found[name].get((metric, dim))) for name in others),
            ]
            for metric, dim in keys
        ],
        "checks": [
            [*map(cell, sentence.row(verdict, name)), "pass" if check.passed else "fail"]
            for name, check in verdict.checks.items()
        ],
        "comparisons": [
            [
                cell(words.of(name)),
                words.limit(one.margin),
                f"{one.visible:.4f}",
                f"{one.rows:,}",
                f"{one.left_out:,}",
            ]
            for name, one in verdict.comparisons.items()
            if one.margin > 0
        ],
    }
