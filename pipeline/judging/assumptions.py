"""What a verdict rests on, as sentences."""

from collections.abc import Sequence

from pipeline.judging.comparisons import Compared, least_hard_rows, level
from pipeline.params.gate import GateParams
from pipeline.records import Audit, HeldOut, Metrics


def sentences(
    compared: Sequence[Compared], metrics: Metrics, params: GateParams, look: int
) -> dict[str, str]:
    """Say what the error rates of a verdict rest on."""
    said = {
        "resampling": f"Whole clusters ({params.cluster}) of rows are resampled {params.resamples} times: "
        "rows of one cluster may depend on each other, clusters must not.",
        "scope": "Bounds speak of this model on these test rows and others like them, not of other seeds.",
        "looks": f"This is look {look} of {params.max_looks} at these rows, each at level "
        f"{level(params):.4g}, so that all of them together let a candidate through that is worse by a "
        f"margin in at most {params.alpha:.0%} of cases.",
    }
    left_out = max(one.paired.left_out for one in compared)
    said["left_out"] = (
        "Rows near a text that one of two compared models was trained on are left out of their comparison: "
        f"{f'{left_out} at most' if left_out else 'none here'}."
    )
    if "live" not in metrics.rivals:
        decide = "floors, the base and the anchor" if "anchor" in metrics.rivals else "floors and the base"
        said["first"] = f"There was no live model to compare with: {decide} decide."
    for one in compared:
        if not one.paired.judged:
            needed = least_hard_rows(one.paired.margin, params)
            said[one.name] = f"{one.bounds.rows} comparable hard rows, fewer than {needed}: not judged."
    for rival in metrics.rivals:
        has = {one.paired.dim for one in compared if one.paired.other == rival}
        missing = sorted(set(params.floors) - has, reverse=True)
        if missing:
            said[f"{rival}_widths"] = f"The {rival} model has not the widths {missing}: not compared there."
    asked = {
        one.name: one.bounds.rows_needed
        for one in compared
        if one.paired.margin is not None
        and one.paired.judged
        and one.bounds.visible > one.paired.margin
        and one.bounds.rows_needed
    }
    if asked:
        said["rows_needed"] = "Test rows that would show a margin: " + ", ".join(
            f"{name} {rows:,}" for name, rows in asked.items()
        )
    return said


def style_sentences(audit: Audit, split: HeldOut) -> dict[str, str]:
    """Say where triplet accuracy can be had without understanding."""
    found = audit.shortcut.get(split)
    if found is None or not found.warned:
        return {}
    return {
        "style": f"Without the query a word classifier picks {found.bag_of_words:.0%} of the positives, BM25 "
        f"{found.bm25:.0%}: triplet accuracy partly measures style. Read nDCG@10 and the hard subset."
    }
