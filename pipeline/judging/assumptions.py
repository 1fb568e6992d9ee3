"""What a verdict rests on, as sentences."""

from collections.abc import Mapping

from pipeline.judging.bootstrap import Bounds
from pipeline.judging.comparisons import Named
from pipeline.params.gate import GateParams
from pipeline.records import Audit, Metrics

Compared = Mapping[str, tuple[Named, Bounds]]


def of(compared: Compared, metrics: Metrics, params: GateParams, alpha: float, look: int) -> dict[str, str]:
    """Say what the error rates of a verdict rest on."""
    said = {
        "resampling": f"Whole clusters ({params.cluster}) of rows are resampled {params.resamples} times: "
        "rows of one cluster may depend on each other, clusters must not.",
        "scope": "Bounds speak of this model on these test rows and others like them, not of other seeds.",
        "looks": f"This is look {look} of {params.max_looks} at these rows, each at level {alpha:.4g}, "
        "so that all of them together let a candidate through that is worse by a margin in at most "
        f"{params.alpha:.0%} of cases.",
    }
    left_out = max((pair.left_out for pair, _ in compared.values()), default=0)
    said["left_out"] = (
        "Rows near a text that one of two compared models was trained on are left out of their comparison: "
        f"{f'{left_out} at most' if left_out else 'none here'}."
    )
    if "live" not in metrics.models:
        decide = "floors, the base and the anchor" if "anchor" in metrics.models else "floors and the base"
        said["first"] = f"There was no live model to compare with: {decide} decide."
    for name, (pair, one) in compared.items():
        if not pair.judged:
            said[name] = f"{one.rows} comparable hard rows, fewer than {params.min_hard_rows}: not judged."
    for name in ("live", "anchor"):
        has = {pair.dim for pair, _ in compared.values() if pair.other == name}
        missing = sorted(set(params.floors) - has, reverse=True)
        if name in metrics.models and missing:
            said[f"{name}_widths"] = f"The {name} model has not the widths {missing}: not compared there."
    needed = {
        name: one.rows_needed
        for name, (pair, one) in compared.items()
        if pair.margin is not None and pair.judged and one.visible > pair.margin and one.rows_needed
    }
    if needed:
        said["rows_needed"] = "Test rows that would show a margin: " + ", ".join(
            f"{name} {rows:,}" for name, rows in needed.items()
        )
    return said


def of_style(audit: Audit, split: str) -> dict[str, str]:
    """Say where triplet accuracy can be had without understanding."""
    found = audit.shortcut.get(split)
    if found is None or not found.warned:
        return {}
    return {
        "style": f"Without the query a word classifier picks {found.bag_of_words:.0%} of the positives, BM25 "
        f"{found.bm25:.0%}: triplet accuracy partly measures style. Read nDCG@10 and the hard subset."
    }
