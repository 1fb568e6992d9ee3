"""The tables of a card that a verdict fills: differences to the other models, and every check."""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from pipeline.records import Difference, Metric, ModelName, Verdict
from pipeline.stages.card.markdown import cell
from pipeline.stages.card.sections import release_facts
from pipeline.stages.card.sections.score_tables import difference
from pipeline.wording import checks, words
from pipeline.wording.counted import listed

_OTHERS: tuple[ModelName, ...] = ("base", "live", "anchor")


def context(verdict: Verdict) -> dict[str, Any]:
    """Return a row per metric and width, per check, and per comparison."""
    found = {name: verdict.differences(name) for name in _OTHERS}
    if len(set(verdict.compared_with.values())) < len(verdict.compared_with):
        found["anchor"] = {}  # the anchor is the live model
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
        "compared": " ".join(compared({name: list(found[name].values()) for name in others}, verdict)),
        "checks": [
            [*map(cell, checks.row(verdict, name)), "pass" if check.passed else "fail"]
            for name, check in sorted(verdict.checks.items(), key=lambda item: item[1].passed)
        ],
        "comparisons": [
            [
                cell(words.of(name)),
                words.limit(one.margin),
                f"{one.visible:.4f}" if one.visible <= 1 else "nothing",
                f"{one.rows:,}",
                f"{one.left_out:,}",
            ]
            for name, one in verdict.comparisons.items()
            if one.margin > 0
        ],
    }


def compared(others: Mapping[ModelName, Sequence[Difference]], verdict: Verdict) -> list[str]:
    """Say what a difference is, on which rows, and how sure; nothing where there is none.

    Args:
        others: The differences to each other model that are shown.
        verdict: Which has them, and knows of whom nobody knows what it was trained on.
    """
    every = [one for found in others.values() for one in found]
    if not every:
        return []
    left = {name: {one.left_out for one in found} for name, found in others.items()}
    left_out = [
        f"{'up to ' if len(counts) > 1 else ''}{max(counts):,} against {words.MODELS[name]}"
        for name, counts in left.items()
        if max(counts)
    ]
    aside = f" (left out: {listed(left_out)})" if left_out else ""
    said = [
        f"A difference is this model less the other on rows that neither is known to be trained on{aside}, "
        f'with its {level(every[0].alpha)} interval; "not proven" where 0 lies in it.'
    ]
    if verdict.outcome == "test_spent":
        many = (
            "more candidates than they may"
            if verdict.look > verdict.looks_allowed
            else "nobody knows how many candidates"
        )
        said.append(f"These rows have judged {many}: no interval here proves anything.")
    unknown = [called for name, called in release_facts.unknown(verdict).items() if name in others]
    if unknown:
        said.append(
            f"Nobody knows what {listed(unknown, 'or')} was trained on: on rows that it has seen it may look "
            "better than it is."
        )
    return said


def level(alpha: float) -> str:
    """Show how sure an interval is, of two bounds at a level each; never as all.

    >>> level(0.01), level(0.001), level(0.0000125)
    ('98%', '99.8%', '99.998%')
    """
    sure = 100 * (1 - 2 * alpha)
    texts = (f"{sure:.{digits}f}" for digits in range(1, 16))
    return f"{next(text for text in texts if float(text) < 100).removesuffix('.0')}%"
