"""The bound of a paired difference is wrong as often as it says, and no more."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import beta  # type: ignore[import-untyped]

from pipeline.judging.bootstrap import Bounds, Differences, bounds, resample

LOST, WON = 0.02, 0.005


def bound(
    values: NDArray[np.float64], clusters: NDArray[np.int64], seed: int, resamples: int = 300
) -> Bounds:
    drawn = resample([Differences(values, clusters)], int(clusters.max()) + 1, resamples, seed)
    return bounds(drawn, [0.05], [True], [0.02])[0]


@pytest.mark.parametrize("lost", [0, 3, 20])
def test_paired_bound_of_lost_rows_is_clopper_and_pearsons(lost: int) -> None:
    rows = 500
    values = np.where(np.arange(rows) < lost, -1.0, 0.0)
    low = bound(values, np.arange(rows), seed=1, resamples=20_000).low
    assert low == pytest.approx(-beta.ppf(0.95, lost + 1, rows - lost), rel=0.03)


@pytest.mark.parametrize("kind", ["one row each", "geometric", "few are large"])
def test_paired_bound_errs_as_often_as_it_says(kind: str) -> None:
    # Clusters are lost whole; the truth lies exactly on the margin, so that to pass is to err.
    clusters, draws, margin = 400, 300, LOST - WON
    passed = 0
    for seed in range(draws):
        random = np.random.default_rng([seed, 7])
        sizes = {
            "one row each": np.ones(clusters, dtype=np.int64),
            "geometric": random.geometric(0.25, clusters),
            "few are large": np.where(random.random(clusters) < 0.02, 60, 1),
        }[kind]
        turned = random.random(clusters)
        of_cluster = np.where(turned < LOST, -1.0, np.where(turned < LOST + WON, 1.0, 0.0))
        rows = np.repeat(np.arange(clusters), sizes)
        passed += bound(of_cluster[rows], rows, seed).low > -margin
    # 26 of 300 and more come once in 200 times where the rate is 5%.
    assert passed <= 25


def test_paired_bound_of_no_row_is_the_worst_there_is() -> None:
    none = Differences(np.zeros(0), np.zeros(0, dtype=np.int64))
    found = bounds(resample([none], 5, 200, 1), [0.05], [True], [0.01])[0]
    assert (found.low, found.high, found.rows, found.rows_needed) == (-1.0, 1.0, 0, 0)


def test_paired_bounds_mirror_when_the_models_change_places() -> None:
    random = np.random.default_rng(1)
    values, clusters = random.uniform(-1, 1, 300), random.integers(0, 100, 300)
    one, other = bound(values, clusters, seed=1), bound(-values, clusters, seed=1)
    assert one.low == pytest.approx(-other.high, abs=0.02)
    assert one.difference == pytest.approx(-other.difference)


@pytest.mark.parametrize(("level", "resamples"), [(2 * 0.05 / 104, 10_000), (0.01, 300), (0.002, 600)])
def test_paired_bound_has_no_more_resamples_below_it_than_its_level_allows(
    level: float, resamples: int
) -> None:
    random = np.random.default_rng(1)
    found = resample([Differences(random.uniform(-1, 1, 60), np.arange(60))], 60, resamples, 1)
    [one] = bounds(found, [level], [True], [0.1])
    assert (np.count_nonzero(found.lows <= one.low)) / (resamples + 1) <= level * 1.00001
    assert (np.count_nonzero(found.highs >= one.high)) / (resamples + 1) <= level * 1.00001
