"""What the gate compares: differences of two models on the rows that neither was trained on."""

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np
import polars as pl

from pipeline.dataset.slices import Slice
from pipeline.judging import bootstrap, spending
from pipeline.judging.bootstrap import Bounds, Differences
from pipeline.judging.measured import Measured
from pipeline.params.gate import GateParams, Margins
from pipeline.records import Metric, ModelName, Rival

# Slices of fewer rows are shown and not judged.
_LEAST_SLICE_ROWS = 30
_DIFFERING_HARD_ROWS = 0.1
_POWER = 0.95


@dataclass(frozen=True)
class Paired:
    """The candidate and one other model on the same rows, in one metric at one width.

    Attributes:
        other: The model that the candidate is compared with.
        metric: What is compared: one of the metrics, or triplet accuracy in a slice.
        dim: The width.
        margin: How far below the candidate may lie; None where it must be better instead.
        differences: Candidate less other.
        left_out: Rows left out because one of the two was trained on something near them.
        known: Whether it is known what both were trained on; else all rows are compared, on some of which the
            other model may be better than it is.
        judged: Whether the verdict rests on it; a hard subset of few rows is reported only, and so is
            all but nDCG@10 at the largest width against the base.
    """

    other: ModelName
    metric: Metric | Slice
    dim: int
    margin: float | None
    differences: Differences
    left_out: int
    known: bool
    judged: bool = True

    @property
    def name(self) -> str:
        """The name that the verdict gives the comparison."""
        if isinstance(self.metric, Slice):
            return f"slice_{self.metric}"
        return f"{self.other}_{self.metric}_{self.dim}"


@dataclass(frozen=True)
class Compared:
    """One comparison, and what resampling says of it."""

    paired: Paired
    bounds: Bounds

    @property
    def name(self) -> str:
        """The name that the verdict gives the comparison."""
        return self.paired.name


def level(params: GateParams) -> float:
    """Return the level of each bound in one look."""
    return spending.level(params.alpha, params.max_looks)


def resamples(params: GateParams) -> int:
    """Return how many resamples are drawn: `gate.resamples`, or more where the level of a look takes more."""
    return max(params.resamples, bootstrap.least_resamples(level(params)))


def with_others(found: Measured, rivals: Sequence[Rival], params: GateParams) -> list[Paired]:
    """Pair the candidate with the base, which it must surpass, and with live and anchor, where they are."""
    margins: Mapping[Rival, Margins] = {"live": params.live_margins, "anchor": params.anchor_margins}
    paired = _with_base(found)
    for rival in rivals:
        paired += _with_rival(found, rival, margins[rival], least_hard_rows(margins[rival].hard, params))
    return paired


def with_base_beside(found: Measured) -> list[Paired]:
    """Pair the candidate with the base in everything that the verdict does not rest on."""
    dims = found.common_dims("base")
    paired = [paired_with(found.queries, "query", "base", "ndcg", dim, None) for dim in dims[1:]]
    if not found.pairs:
        paired += [paired_with(found.outcomes, "row", "base", "accuracy", dim, None) for dim in dims]
        paired += [
            paired_with(found.outcomes.filter("hard"), "row", "base", "hard", dim, None) for dim in dims[:1]
        ]
    return [replace(one, judged=False) for one in paired if len(one.differences.values)]


def least_hard_rows(margin: float | None, params: GateParams) -> int:
    """Return with how many comparable hard rows the hard subset is judged: `gate.min_hard_rows`, or computed.

    Computed: the rows with which a candidate passes in 95 of 100 draws that is equal to the other model and
    differs from it in a tenth of the hard rows, half of them lost, half won; one row of the bound's own is
    lost besides. It rests on no candidate's own spread: who loses many hard rows spreads much, and would not
    be judged for it.
    """
    if params.min_hard_rows is not None:
        return params.min_hard_rows
    if margin is None or margin <= 0:
        return sys.maxsize
    normal = NormalDist()
    times = normal.inv_cdf(1 - level(params)) + normal.inv_cdf(_POWER)
    # margin = times * sqrt(share / n) + 1 / n, solved for sqrt(n)
    spread = times * math.sqrt(_DIFFERING_HARD_ROWS)
    return math.ceil(((spread + math.sqrt(spread**2 + 4 * margin)) / (2 * margin)) ** 2)


def in_slices(found: Measured, other: ModelName, max_drop: float) -> list[Paired]:
    """Pair the triplets of every slice with another model's, at the largest width that both have."""
    if found.pairs:
        return []
    paired = [
        paired_with(
            found.outcomes.filter(pl.col("row").is_in(rows.implode())), "row", other, one, dim, max_drop
        )
        for dim in found.common_dims(other)[:1]
        for one, rows in found.slices.items()
    ]
    return [one for one in paired if len(one.differences.values) >= _LEAST_SLICE_ROWS]


def compare(
    paired: Sequence[Paired],
    slices: Sequence[Paired],
    reported: Sequence[Paired],
    clusters: int,
    params: GateParams,
) -> tuple[list[Compared], list[Compared], list[Compared]]:
    """Resample everything that is compared at once, and bound each difference.

    What is reported changes nothing of the rest: weights hang on the clusters alone, and it shares no power.

    Args:
        paired: Comparisons at the level of one look.
        slices: Comparisons that share that level, and no power.
        reported: Differences that nothing is judged by, at the level of one look.
        clusters: How many clusters there are.
        params: The section `gate` of params.yaml.

    Returns:
        The three, each in its order.
    """
    every = [*paired, *slices, *reported]
    found = bootstrap.resample([one.differences for one in every], clusters, resamples(params), params.seed)
    bounds = bootstrap.bounds(
        found,
        [level(params)] * len(paired)
        + [level(params) / len(slices) for _ in slices]
        + [level(params)] * len(reported),
        [one.margin is not None and one.judged for one in paired] + [False] * (len(slices) + len(reported)),
        [params.base_min_gain if one.margin is None else one.margin for one in every],
    )
    compared = [Compared(one, bound) for one, bound in zip(every, bounds, strict=True)]
    first, second = len(paired), len(paired) + len(slices)
    return compared[:first], compared[first:second], compared[second:]


def ndcg_bounds(compared: Sequence[Compared], other: ModelName) -> list[Bounds]:
    """Return what bounds nDCG@10 against another model, the largest width first."""
    return [one.bounds for one in compared if (one.paired.other, one.paired.metric) == (other, "ndcg")]


def _with_base(found: Measured) -> list[Paired]:
    """Pair nDCG@10 at the largest width, where the candidate must be better."""
    return [
        paired_with(found.queries, "query", "base", "ndcg", dim, None)
        for dim in found.common_dims("base")[:1]
    ]


def _with_rival(found: Measured, rival: Rival, margins: Margins, least_hard_rows: int) -> list[Paired]:
    """Pair every metric at every width that both have; the hard subset at the largest, where it has rows."""
    dims = found.common_dims(rival)
    paired = [paired_with(found.queries, "query", rival, "ndcg", dim, margins.ndcg) for dim in dims]
    if found.pairs:
        return paired
    paired += [paired_with(found.outcomes, "row", rival, "accuracy", dim, margins.accuracy) for dim in dims]
    for dim in dims[:1]:
        hard = paired_with(found.outcomes.filter("hard"), "row", rival, "hard", dim, margins.hard)
        rows = len(hard.differences.values)
        if rows:
            paired.append(replace(hard, judged=rows >= least_hard_rows))
    return paired


def paired_with(
    table: pl.DataFrame, key: str, other: ModelName, metric: Metric | Slice, dim: int, margin: float | None
) -> Paired:
    """Pair the candidate's rows with another model's, at one width.

    Args:
        table: model, `key`, dim, value, seen, cluster.
        key: The column that tells rows apart.
        other: The other model.
        metric: What the values are.
        dim: The width.
        margin: How far below the candidate may lie; None where nothing is allowed for.
    """
    at = table.filter(pl.col("dim") == dim)
    ours, theirs = (at.filter(pl.col("model") == model) for model in ("candidate", other))
    pairs = ours.join(theirs.select(key, "value", "seen"), on=key, suffix="_other", maintain_order="left")
    known = pairs["seen_other"].null_count() == 0 and pairs["seen"].null_count() == 0
    seen = pairs.select((pl.col("seen") | pl.col("seen_other")).fill_null(False))["seen"]
    kept = pairs.filter(~seen)
    difference = (kept["value"] - kept["value_other"]).to_numpy().astype(np.float64)
    # What is no number was lost.
    values = np.where(np.isfinite(difference), difference, -1.0)
    clusters = kept["cluster"].to_numpy().astype(np.int64)
    return Paired(other, metric, dim, margin, Differences(values, clusters), int(seen.sum()), known=known)
