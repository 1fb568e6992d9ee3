"""The gate as a pure function: one candidate's records become a verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from pipeline.errors import UnmeasuredCheck
from pipeline.judging import assumptions, bound_checks, comparisons, loosened, measured, probes
from pipeline.judging.comparisons import Compared
from pipeline.judging.loosened import LastReleased, Now
from pipeline.judging.spending import Count
from pipeline.judging.thresholds import at_most, proven_missed, threshold_checks
from pipeline.params.gate import GateParams
from pipeline.records import (
    Audit,
    Check,
    Comparison,
    Difference,
    Metrics,
    Outcome,
    Reembed,
    Rival,
    Verdict,
)
from pipeline.wording import patterns


@dataclass(frozen=True)
class Evidence:
    """What a verdict rests on.

    Attributes:
        audit: What `audit` found in the splits.
        metrics: What `evaluate` measured.
        reembed: Whether stored vectors can stay.
        outcomes: The rows of `records.tables.OUTCOMES`.
        retrieved: The rows of `records.tables.RETRIEVED`.
        traits: The rows of `records.tables.TRAITS`.
        count: How often these test rows were looked at before this candidate.
        last: How the last released candidate was judged; None where the log knows of none.
    """

    audit: Audit
    metrics: Metrics
    reembed: Reembed
    outcomes: pl.DataFrame
    retrieved: pl.DataFrame
    traits: pl.DataFrame
    count: Count
    last: LastReleased | None = None


def gate(evidence: Evidence, params: GateParams) -> Verdict:
    """Judge one candidate; a "no" is a result, not an error.

    Args:
        evidence: Records and tables of the steps before, and how often the rows were looked at.
        params: The section `gate` of params.yaml.

    Returns:
        The verdict, with every check that was made, passed or not.

    Raises:
        UnmeasuredCheck: A check names something that `evaluate` never measured.
        InvalidParams: `gate.cluster` names no column.
    """
    metrics, rivals = evidence.metrics, list(evidence.metrics.rivals)
    compared, slices, beside, not_finite = _compare(evidence, rivals, params)
    groups = frozenset(evidence.traits.filter(pl.col("split") == params.split)["group"])
    left = loosened.rows_left(evidence.last, groups, params.max_rows_left)
    hard = any(one.paired.metric == "hard" and one.paired.judged for one in compared)
    spent = _budget(evidence.count, params.max_looks)
    reach = bound_checks.enough_left(compared, [*rivals, "base"], params.min_clusters)
    power = bound_checks.margins_visible(compared)
    checks = {
        **spent,
        "not_finite": at_most(float(not_finite), 0.0),
        **left,
        **reach,
        **power,
        **bound_checks.bounds_hold(compared, params.base_min_gain),
        **bound_checks.new_space_gains(compared, evidence.reembed, params.reembed_min_gain),
        **bound_checks.slices_hold(slices, params.max_slice_drop),
        **threshold_checks(evidence.audit, metrics, params),
    }
    proven = {
        "not_finite": checks["not_finite"],
        **left,
        **bound_checks.proven_worse(compared, params.base_min_gain),
        **bound_checks.slices_hold(slices, params.max_slice_drop),
        **proven_missed(evidence.audit, metrics, params),
    }
    reported = {one.name: difference(one, params) for one in beside}
    judged = {one.name: _comparison(one, params) for one in compared}
    return Verdict(
        candidate=metrics.candidate.revision,
        passed=_all_pass(checks),
        outcome=_outcome(checks, spent=spent, reach=reach, proven=proven, power=power),
        first_release="live" not in metrics.rivals,
        compared_with={name: rival.revision for name, rival in metrics.rivals.items()},
        look=evidence.count.number,
        looks_allowed=params.max_looks,
        looks_left=max(0, params.max_looks - evidence.count.number),
        checks=checks,
        comparisons=judged,
        reported=reported,
        probes={
            name: {one.paired.other: difference(one, params) for one in found}
            for name, found in probes.compared(evidence.retrieved, metrics, params).items()
        },
        patterns=patterns.found(
            {**reported, **judged}, checks, metrics, evidence.audit.shortcut.get(params.split), params
        ),
        needs_human=evidence.reembed.compatible is False,
        training_unknown=any(not one.paired.known for one in compared),
        better_than_anchor=_better_than_anchor(compared, rivals),
        hard_judged=hard,
        loosened=loosened.sentences(evidence.last, Now(params, groups, hard, evidence.count.number)),
        assumptions=assumptions.sentences(compared, metrics, params, evidence.count)
        | assumptions.language_sentences(evidence.audit)
        | assumptions.style_sentences(evidence.audit, params.split),
    )


def _compare(
    evidence: Evidence, rivals: Sequence[Rival], params: GateParams
) -> tuple[list[Compared], list[Compared], list[Compared], int]:
    """Compare the candidate with each other model, and in slices with live or, without one, with the base.

    Returns:
        The comparisons, those in slices, those that are reported alone, and how many scores of the candidate
        are no number.
    """
    found = measured.select(evidence.outcomes, evidence.retrieved, evidence.traits, params)
    measured.refuse_incomplete(found, ("base", "candidate", *rivals), params.floors)
    if not found.common_dims("base"):
        raise UnmeasuredCheck(
            f"the gate compares nDCG@10 on {params.split} with the base's, and evaluate measured none there; "
            "add the split to evaluate.splits"
        )
    paired = comparisons.with_others(found, rivals, params)
    slices = comparisons.in_slices(found, "live" if "live" in rivals else "base", params.max_slice_drop)
    beside = comparisons.with_base_beside(found)
    return *comparisons.compare(paired, slices, beside, found.clusters, params), found.not_finite


def _budget(count: Count, max_looks: int) -> dict[str, Check]:
    """Check that the test rows may judge one more; where nobody knows how many they judged, they may not."""
    checks = {"look": at_most(float(count.number), float(max_looks))}
    if count.lost:
        checks["looks_known"] = Check(value=False, rule="==", wanted=True, passed=False)
    return checks


def _all_pass(checks: Mapping[str, Check]) -> bool:
    return all(check.passed for check in checks.values())


def _outcome(
    checks: Mapping[str, Check],
    *,
    spent: Mapping[str, Check],
    reach: Mapping[str, Check],
    proven: Mapping[str, Check],
    power: Mapping[str, Check],
) -> Outcome:
    """Name why a candidate does not pass, by what is to be done about it.

    Rows that are spent, or that compare nothing, prove nothing. What is proven to be bad is bad however few
    the rows are: who is told to get more of them would get the same answer. Only what is left open is a
    matter of rows.
    """
    if _all_pass(checks):
        return "passed"
    in_turn: tuple[tuple[Outcome, Mapping[str, Check]], ...] = (
        ("test_spent", spent),
        ("not_comparable", reach),
        ("failed", proven),
        ("underpowered", power),
    )
    return next((outcome for outcome, some in in_turn if not _all_pass(some)), "failed")


def difference(one: Compared, params: GateParams) -> Difference:
    """Return a difference that nothing is judged by."""
    return Difference.model_validate(_bounds(one, params))


def _comparison(one: Compared, params: GateParams) -> Comparison:
    """Return a comparison as the verdict holds it; a gain that is demanded is a margin below 0."""
    margin = 0.0 - params.base_min_gain if one.paired.margin is None else one.paired.margin
    return Comparison(
        **_bounds(one, params),
        margin=margin,
        visible=one.bounds.visible,
        rows_needed=one.bounds.rows_needed,
    )


def _bounds(one: Compared, params: GateParams) -> dict[str, Any]:
    found = asdict(one.bounds)
    said = {name: found[name] for name in ("difference", "low", "high", "rows", "clusters")}
    return said | {"alpha": comparisons.level(params), "left_out": one.paired.left_out}


def _better_than_anchor(compared: Sequence[Compared], rivals: Sequence[Rival]) -> bool:
    """Say whether the candidate becomes the anchor: proven better at the largest width, or the first one."""
    gains = comparisons.ndcg_bounds(compared, "anchor")
    return gains[0].low > 0 if gains else "anchor" not in rivals
