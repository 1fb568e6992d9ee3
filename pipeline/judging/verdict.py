"""The gate as a pure function: one candidate's records become a verdict."""

import math

import polars as pl

from pipeline.errors import UnmeasuredCheck
from pipeline.judging import assumptions, bootstrap, comparisons, looks
from pipeline.judging.assumptions import Compared
from pipeline.judging.bootstrap import Bounds
from pipeline.judging.comparisons import Named
from pipeline.judging.thresholds import at_least, at_most, number, plain
from pipeline.params.gate import GateParams
from pipeline.records import Audit, Check, Comparison, Looks, Metrics, Reembed, Verdict
from pipeline.records.verdict import Outcome


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
    slices = comparisons.in_slices(found, "live" if "live" in rivals else "base", params.max_slice_drop)
    resamples = bootstrap.resample(
        [one.differences for one in (*named, *slices)], found.clusters, params.resamples, params.seed
    )
    bounds = bootstrap.bounds(
        resamples,
        [alpha] * len(named) + [alpha / len(slices) for _ in slices],
        [one.margin is not None and one.judged for one in named] + [False] * len(slices),
        [params.base_min_gain if one.margin is None else one.margin for one in (*named, *slices)],
    )
    compared = {one.name: (one, bound) for one, bound in zip(named, bounds[: len(named)], strict=True)}
    cut = {one.name: bound for one, bound in zip(slices, bounds[len(named) :], strict=True)}
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
        **{name: _slice_holds(one, params.max_slice_drop) for name, one in cut.items()},
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
        assumptions=assumptions.of(compared, metrics, params, alpha, look)
        | assumptions.of_style(audit, params.split),
    )


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


def _slice_holds(found: Bounds, max_drop: float) -> Check:
    """Check that a slice has not dropped by more than is allowed and than chance explains.

    In a slice of thirty rows one of them is three points: taken at its word, a candidate that is equal to
    live would be refused for having slices. So a drop must also be proven, at the level of this look divided
    by the slices.
    """
    chance = found.high - found.difference
    return at_least(found.difference, -max(max_drop, chance))
