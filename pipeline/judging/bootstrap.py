"""Paired differences of two models, resampled by cluster, all checks with the same weights.

Each resample gives every cluster an exponential weight (the Bayesian bootstrap, Rubin 1981,
https://doi.org/10.1214/aos/1176345338) instead of a whole number of copies. With one cluster added that the
candidate lost entirely, the lower bound of a difference is that of Gaffke (2005) for bounded means: where
rows are only lost or not, it is the exact bound of Clopper and Pearson, also with no row lost at all, where
the ordinary bootstrap sees no spread and lets everything through. Where clusters differ in size, the added
one is as large as the one that a row drawn at random lies in: with one of average size, rare large clusters
that were not lost this time would go unseen, and the bound would be wrong far more often than it says.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_WEIGHTS_AT_A_TIME = 4_000_000  # 32 MB


@dataclass(frozen=True)
class Differences:
    """Candidate less other on the rows compared, each value in [-1, 1].

    Attributes:
        values: One per row.
        clusters: Number of each row's cluster, from 0 on, by the numbering that all checks share.
    """

    values: Floats
    clusters: NDArray[np.int64]


@dataclass(frozen=True)
class Resamples:
    """What resampling gave; K checks, R resamples.

    Attributes:
        means: The differences found, [K]; 0 where no row is compared.
        lows: The mean in each resample with one more cluster that the candidate lost, [R, K].
        highs: The same with one more cluster that the candidate won, [R, K].
        rows: Rows compared, [K].
        clusters: Clusters that they fall into, [K].
        variances: Mean squared share of a cluster in the difference, [K]: the mean's, times clusters.
        doubts: Standard error of `variances`, times the root of clusters, [K].
        added: Size of the cluster that is added, in average clusters, [K].
    """

    means: Floats
    lows: Floats
    highs: Floats
    rows: NDArray[np.int64]
    clusters: NDArray[np.int64]
    variances: Floats
    doubts: Floats
    added: Floats


def resample(checks: Sequence[Differences], clusters: int, resamples: int, seed: int) -> Resamples:
    """Resample clusters, jointly for all checks.

    The weights depend on the number of clusters and the seed alone, and not on the values, so that a better
    candidate never has a lower bound.

    Args:
        checks: What is compared.
        clusters: How many there are in all; a check may have rows in a part of them.
        resamples: How many.
        seed: Of the weights.
    """
    width = len(checks)
    sums, sizes = np.zeros((clusters, width)), np.zeros((clusters, width))
    for place, check in enumerate(checks):
        sums[:, place] = np.bincount(check.clusters, weights=check.values, minlength=clusters)
        sizes[:, place] = np.bincount(check.clusters, minlength=clusters)
    rows, present = sizes.sum(axis=0), (sizes > 0).sum(axis=0)
    average = np.where(present > 0, rows / np.maximum(present, 1), 1.0)
    size = np.where(present > 0, (sizes**2).sum(axis=0) / np.maximum(rows, 1), 1.0)  # of the added cluster
    means = sums.sum(axis=0) / np.maximum(rows, 1)
    share = (sums - means * sizes) / average
    within = np.maximum(present, 1)
    variances = (share**2).sum(axis=0) / within
    # One more counts here: where nobody lost a row, the next one would be the first. It is the cluster that
    # a row drawn at random lies in, and a large one weighs in the mean of the fourth power as it would.
    lost = np.where(present > 0, (sizes**5).sum(axis=0) / np.maximum(rows, 1), 1.0)
    doubts = np.sqrt(((share**4).sum(axis=0) + lost / average**4) / within)

    draw = np.random.default_rng(seed)
    lows, highs = np.empty((resamples, width)), np.empty((resamples, width))
    both = np.hstack([sums, sizes])
    step = min(resamples, max(1, _WEIGHTS_AT_A_TIME // (clusters + 1)))
    memory = np.empty(
        (step, clusters + 1)
    )  # the same pages each time: to ask for new ones takes as long as to draw
    for start in range(0, resamples, step):
        weights = draw.standard_exponential(out=memory[: resamples - start])
        total = weights[:, 1:] @ both
        added = weights[:, :1] * size
        whole = total[:, width:] + added
        lows[start : start + step] = (total[:, :width] - added) / whole
        highs[start : start + step] = (total[:, :width] + added) / whole
    counts = rows.astype(np.int64), present.astype(np.int64)
    return Resamples(means, lows, highs, *counts, variances, doubts, size / average)


@dataclass(frozen=True)
class Bounds:
    """One check's difference and what can be said of it.

    Attributes:
        low: One-sided lower bound.
        high: One-sided upper bound, at the same level.
        visible: How far below an equal candidate another must lie for all checks to tell the two apart with
            95% power.
        rows_needed: Rows with which `visible` would be no more than the margin, also where this test set
            happens to show less spread than there is; 0 where no number of rows would do.
    """

    difference: float
    low: float
    high: float
    visible: float
    rows: int
    clusters: int
    rows_needed: int


_ROUNDING = 1e-6
_POWER = 0.95
_DOUBT = 2.5  # standard errors of the variance that `rows_needed` allows for


def bounds(
    found: Resamples, alphas: Sequence[float], judged: Sequence[bool], margins: Sequence[float]
) -> list[Bounds]:
    """Return each check's bounds.

    Args:
        found: The resamples of all checks.
        alphas: Level of each check.
        judged: Which checks must all pass, and so share the power.
        margins: What `rows_needed` is to make visible; no number of rows does where it is not above 0.

    Example:
        On a hundred rows neither model lost one that the other won. Up to three in a hundred may still be
        lost on others (the rule of three: 1 - 0.05 ** (1 / 100) is 0.0295):

        >>> nothing_lost = Differences(values=np.zeros(100), clusters=np.arange(100))
        >>> found = resample([nothing_lost], clusters=100, resamples=10_000, seed=1)
        >>> [bound] = bounds(found, alphas=[0.05], judged=[True], margins=[0.05])
        >>> bound.difference, round(bound.low, 2)
        (0.0, -0.03)

        The same rows in ten clusters of near-duplicates are ten witnesses, not a hundred:

        >>> alike = Differences(values=np.zeros(100), clusters=np.arange(100) // 10)
        >>> found = resample([alike], clusters=10, resamples=10_000, seed=1)
        >>> [bound] = bounds(found, alphas=[0.05], judged=[True], margins=[0.05])
        >>> round(bound.low, 2)
        -0.26
    """
    count = len(found.lows)
    lowest = [_place(level, count) for level in alphas]
    low = np.sort(found.lows, axis=0)[lowest, range(len(lowest))]
    high = np.sort(found.highs, axis=0)[[count - 1 - place for place in lowest], range(len(lowest))]
    error = found.lows.std(axis=0)
    deviation = (found.lows.mean(axis=0) - found.lows) / np.where(error > 0, error, np.inf)
    chosen = np.asarray(judged, dtype=bool)
    together = float(np.quantile(deviation[:, chosen].max(axis=1), _POWER)) if chosen.any() else 0.0
    visible = found.means - low + together * error
    return [
        Bounds(
            difference=float(found.means[place]),
            low=float(low[place]),
            high=float(high[place]),
            visible=float(visible[place]),
            rows=int(found.rows[place]),
            clusters=int(found.clusters[place]),
            rows_needed=_rows_needed(found, place, float(visible[place]), margin),
        )
        for place, margin in enumerate(margins)
    ]


def least_resamples(level: float) -> int:
    """Return how many resamples a bound at a level takes: the lowest of R stands for the level 1 / (R + 1).

    >>> least_resamples(0.01)
    99
    """
    return max(1, math.ceil(1 / level - 1 - _ROUNDING))


def _place(level: float, resamples: int) -> int:
    """Return which of the sorted resamples is the bound, from 0 on.

    A quantile between two of them, or rounded up, would err more often than the level says: by 4% at a
    thousandth of 10,000 resamples, and five times as often of 200.
    """
    return max(1, math.floor(level * (resamples + 1) + _ROUNDING)) - 1


def _rows_needed(found: Resamples, place: int, visible: float, margin: float) -> int:
    """Solve for the rows: spread falls with the clusters' root, the added one's part with the clusters."""
    clusters = int(found.clusters[place])
    if clusters == 0 or margin <= 0:
        return 0
    variance, doubt = float(found.variances[place]), float(found.doubts[place])
    added = float(found.added[place])
    times = float((visible - added / clusters) / (variance / clusters + (added / clusters) ** 2) ** 0.5)

    def seen(count: float) -> float:
        spread = (variance + _DOUBT * doubt / count**0.5) / count + (added / count) ** 2
        return added / count + times * float(spread**0.5)

    few, many = 1.0, 1e12
    while many - few > 0.5:
        middle = (few + many) / 2
        few, many = (middle, many) if seen(middle) > margin else (few, middle)
    return int(np.ceil(many * found.rows[place] / clusters))
