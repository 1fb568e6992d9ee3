"""What a verdict rests on, as sentences."""

from collections.abc import Mapping, Sequence

from pipeline.judging.bound_checks import margins_visible
from pipeline.judging.comparisons import Compared, least_hard_rows, level, resamples
from pipeline.judging.spending import FIRST_LOOKS, Count
from pipeline.params.gate import GateParams
from pipeline.records import Audit, HeldOut, Metrics, Rival
from pipeline.wording import words

_CALLED: Mapping[Rival, str] = {"live": "the live model", "anchor": "the best release"}


def sentences(
    compared: Sequence[Compared], metrics: Metrics, params: GateParams, count: Count
) -> dict[str, str]:
    """Say what the error rates of a verdict rest on."""
    said = {
        "resampling": f"Whole clusters of rows ({_clustered(params.cluster)}) are resampled "
        f"{resamples(params):,} times: rows of one cluster may depend on each other, clusters must not.",
        "scope": "Bounds speak of this model on these test rows and others like them, not of other seeds.",
        "looks": _looks(params, count),
    }
    if not metrics.candidate.splits[params.split].triplets:
        said["pairs"] = (
            "The rows are pairs without negatives: nDCG@10 decides, and there is no triplet accuracy, so "
            "that gate.floors, the accuracy margins, the hard subset and slices are not judged."
        )
    left_out = max(one.paired.left_out for one in compared)
    said["left_out"] = (
        "Rows near a text that one of two compared models was trained on are left out of their comparison: "
        f"{f'{left_out:,} at most' if left_out else 'none here'}."
    )
    for rival in metrics.rivals:
        if any(not one.paired.known for one in compared if one.paired.other == rival):
            said[f"{rival}_training"] = (
                f"Nobody knows what {_CALLED[rival]} was trained on: no row is left out for it, and "
                "where it has seen a row it may look better than it is."
            )
    if "live" not in metrics.rivals:
        decide = "floors, the base and the anchor" if "anchor" in metrics.rivals else "floors and the base"
        said["first"] = f"There was no live model to compare with: {decide} decide."
    for one in compared:
        if not one.paired.judged:
            needed = least_hard_rows(one.paired.margin, params)
            said[one.name] = (
                f"Nothing rests on {words.of(one.name)}: it has {one.bounds.rows:,} comparable rows, and its "
                f"margin needs {needed:,}."
            )
    for rival in metrics.rivals:
        has = {one.paired.dim for one in compared if one.paired.other == rival}
        missing = sorted(set(params.floors) - has, reverse=True)
        if missing:
            without = ", ".join(f"{dim:,}" for dim in missing)
            said[f"{rival}_widths"] = (
                f"{_CALLED[rival].capitalize()} is narrower, and was not compared at {without}."
            )
    # Of what is proven rows say nothing more: a bad candidate spreads much, and would ask for many.
    unseen = {name for name, check in margins_visible(compared).items() if not check.passed}
    asked = {
        one.name: one.bounds.rows_needed
        for one in compared
        if f"{one.name}_visible" in unseen and one.bounds.rows_needed
    }
    if asked:
        each = "; ".join(f"{rows:,} for {words.of(name)}" for name, rows in asked.items())
        said["rows_needed"] = f"So many test rows would show a margin: {each}."
    return said


def _clustered(by: str) -> str:
    """Say what makes a cluster: near-duplicates, or a column of the data set."""
    return "near-duplicates together" if by == "component" else f"by {words.plain(by)}"


def _looks(params: GateParams, count: Count) -> str:
    """Say how often the rows were looked at, and what all looks together may let through."""
    allowed = params.max_looks
    first = min(allowed, FIRST_LOOKS)
    together = "all of them together" if first == allowed else f"the first {first} together"
    said = (
        f"This is look {count.number} of {allowed} at these rows, each at level {level(params):.4g}, so that "
        f"{together} let a candidate through that is worse by a margin in at most "
        f"{words.percent(first * level(params))} of cases"
    )
    said += (
        "."
        if first == allowed
        else f", and all {allowed} in at most {words.percent(allowed * level(params))}."
    )
    if count.lost:
        said += " The log of some of these rows is lost: nobody knows how many candidates they judged."
    left = allowed - count.number
    if 0 <= left <= FIRST_LOOKS:
        said += f" {left or 'No'} more may be judged before new test rows are needed."
    return said


def language_sentences(audit: Audit) -> dict[str, str]:
    """Say of which languages little is known."""
    unknown = ", ".join(audit.languages_without_module)
    if not unknown:
        return {}
    return {
        "languages": f"Of {unknown} nothing is known but Unicode's rules: texts are one after NFKC and "
        "casefold, near-duplicates must agree in digits alone, and of telephone and identity numbers only "
        "telephones with their country's code are found. Leaks may be missed."
    }


def style_sentences(audit: Audit, split: HeldOut) -> dict[str, str]:
    """Say where triplet accuracy can be had without understanding."""
    found = audit.shortcut.get(split)
    if found is None or not found.warned:
        return {}
    read = "nDCG@10 and the hard subset" if found.hard_rows else "nDCG@10"
    return {
        "style": "A word classifier that never sees the query gets "
        f"{words.percent(found.bag_of_words)} of the triplets right, BM25 {words.percent(found.bm25)}: "
        f"triplet accuracy partly measures style. Read {read}."
    }
