"""Step `gate`: judge the candidate, with known error rates. A "no" is a verdict, never an error.

docs/gate.md says in a page what is tested and how often such a verdict is wrong.
"""

import math
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from pipeline import comparisons, looks, paired, stages
from pipeline.checks import at_least, at_most, number, plain
from pipeline.comparisons import Named
from pipeline.errors import UnmeasuredCheck
from pipeline.paired import Bounds
from pipeline.params import Params
from pipeline.params.gate import GateParams
from pipeline.records import Audit, Check, Comparison, Looks, Metrics, Reembed, Verdict
from pipeline.records.verdict import Outcome


def run(workspace: Path, params: Params) -> Verdict:
    """Judge what `audit` and `evaluate` recorded; count the look, and write the verdict."""
    audit = Audit.load(workspace / stages.RECORDS["audit"])
    metrics = Metrics.load(workspace / stages.RECORDS["evaluate"])
    seen = looks.load(workspace)
    verdict = gate(
        audit,
        metrics,
        Reembed.load(workspace / "reembed.json"),
        pl.read_parquet(workspace / "outcomes.parquet"),
        pl.read_parquet(workspace / "retrieved.parquet"),
        pl.read_parquet(workspace / "data" / "traits.parquet"),
        seen,
        params.gate,
    )
    looks.keep(workspace, looks.add(seen, audit.test_digest, metrics.candidate))
    return stages.seal(workspace, "gate", verdict)


def gate(
    audit: Audit,
    metrics: Metrics,
    reembed: Reembed,
    outcomes: pl.DataFrame,
    retrieved: pl.DataFrame,
    traits: pl.DataFrame,
    seen: Looks,
    params: GateParams,
) -> Verdict:
    """Judge one candidate.

    Args:
        audit: What `audit` found in the splits.
        metrics: What `evaluate` measured.
        reembed: Whether stored vectors can stay.
        outcomes: One row per model, split, triplet and width: cosines, and whether the model has seen it.
        retrieved: One row per model, set, query, width and precision: nDCG@10, and the same.
        traits: One row per held-out row: group, component, hard, slices.
        seen: Every candidate judged before.
        params: The section `gate` of params.yaml.

    Returns:
        The verdict, with every check that was made, passed or not.

    Raises:
        UnmeasuredCheck: A check names something that `evaluate` never measured.
        InvalidParams: `gate.cluster` names no column.
    """
    look = looks.number(seen, audit.test_digest, metrics.candidate)
    alpha = params.alpha / params.max_looks
    found = comparisons.tables(outcomes, retrieved, traits, params)
    rivals = [name for name in ("live", "anchor") if name in metrics.models]
    comparisons.complete(found, ["base", "candidate", *rivals], params.floors)
    named = comparisons.against(found, "base", None, 0)
    for name in rivals:
        named += comparisons.against(found, name, comparisons.margins(params)[name], params.min_hard_rows)
    if not any(one.other == "base" for one in named):
        raise UnmeasuredCheck(
            f"the gate compares nDCG@10 on {params.split} with the base's, and evaluate measured none there; "
            "add the split to evaluate.splits"
        )
    resamples = paired.resample(
        [one.differences for one in named], found.clusters, params.resamples, params.seed
    )
    bounds = paired.bounds(
        resamples,
        alpha,
        [one.margin is not None and one.judged for one in named],
        [params.base_min_gain if one.margin is None else one.margin for one in named],
    )
    compared = dict(zip([one.name for one in named], zip(named, bounds, strict=True), strict=True))
    # A difference that was seen needs no power: a candidate that is much better than live differs from it in
    # many rows, and would be refused for the spread that this brings.
    powers = {
        f"{name}_visible": at_most(one.visible, named_one.margin)
        for name, (named_one, one) in compared.items()
        if named_one.margin is not None and named_one.judged and one.low < 0 <= one.high
    }
    reach = {
        f"{name}_clusters": _comparable([pair for pair in compared.values() if pair[0].other == name], params)
        for name in (*rivals, "base")
    }
    checks = {
        "look": at_most(float(look), float(params.max_looks)),
        "not_finite": at_most(float(found.not_finite), 0.0),
        **reach,
        **powers,
        **_bounds_hold(compared, params, reembed),
        **plain(audit, metrics, params),
    }
    passed = all(check.passed for check in checks.values())
    outcome: Outcome = (
        "passed"
        if passed
        else "test_spent"
        if not checks["look"].passed
        else "not_comparable"
        if not all(check.passed for check in reach.values())
        else "underpowered"
        if not all(check.passed for check in powers.values())
        else "failed"
    )
    best = [
        one.low for name, (pair, one) in compared.items() if pair.other == "anchor" and pair.metric == "ndcg"
    ]
    return Verdict(
        candidate=metrics.candidate,
        passed=passed,
        outcome=outcome,
        first_release="live" not in metrics.models,
        compared_with={name: metrics.revisions[name] for name in rivals},
        look=look,
        looks_allowed=params.max_looks,
        checks=checks,
        comparisons={
            name: Comparison(
                difference=one.difference,
                low=one.low,
                high=one.high,
                margin=0.0 - params.base_min_gain if pair.margin is None else pair.margin,
                alpha=alpha,
                visible=one.visible,
                rows=one.rows,
                clusters=one.clusters,
                left_out=pair.left_out,
                rows_needed=one.rows_needed,
            )
            for name, (pair, one) in compared.items()
        },
        needs_human=reembed.compatible is False,
        better_than_anchor=best[0] > 0 if best else "anchor" not in metrics.models,
        assumptions=_assumptions(compared, metrics, params, alpha, look) | _style(audit, params.split),
    )


def _style(audit: Audit, split: str) -> dict[str, str]:
    """Say where triplet accuracy can be had without understanding."""
    found = audit.shortcut.get(split)
    if found is None or not found.warned:
        return {}
    return {
        "style": f"Without the query a word classifier picks {found.bag_of_words:.0%} of the positives, BM25 "
        f"{found.bm25:.0%}: triplet accuracy partly measures style. Read nDCG@10 and the hard subset."
    }


Compared = Mapping[str, tuple[Named, Bounds]]


def _comparable(compared: list[tuple[Named, Bounds]], params: GateParams) -> Check:
    """Check that enough is left to compare; nothing is where nobody knows what the other was trained on."""
    counted = [
        bounds.clusters if named.comparable else 0 for named, bounds in compared if named.metric != "hard"
    ]
    return at_least(float(min(counted, default=0)), float(params.min_clusters))


def _bounds_hold(compared: Compared, params: GateParams, reembed: Reembed) -> dict[str, Check]:
    checks = {}
    for name, (named, bounds) in compared.items():
        if not named.judged:
            continue
        if named.margin is None:
            checks[name] = at_least(bounds.low, params.base_min_gain)
        else:
            checks[name] = Check(
                value=number(bounds.low),
                rule=">",
                wanted=-named.margin,
                passed=bounds.low > -named.margin,
            )
    if reembed.compatible is False:
        gains = [
            one.low for named, one in compared.values() if (named.other, named.metric) == ("live", "ndcg")
        ]
        # The first is the largest width's.
        checks["new_space_gain"] = at_least(gains[0] if gains else math.nan, params.reembed_min_gain)
    return checks


def _assumptions(
    compared: Compared, metrics: Metrics, params: GateParams, alpha: float, look: int
) -> dict[str, str]:
    """Say what the error rates rest on."""
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
        f"Rows near a text that one of two compared models was trained on are left out, up to {left_out}."
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
