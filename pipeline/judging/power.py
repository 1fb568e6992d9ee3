"""What a test set's rows can show, before anything is trained: the smallest difference told from none."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.errors import InvalidParams
from pipeline.judging import bootstrap
from pipeline.judging.bootstrap import Bounds, Differences
from pipeline.judging.comparisons import level
from pipeline.params.gate import GateParams, Margins
from pipeline.records import Metric
from pipeline.records.tables import slice_column

# Of all rows, those whose triplet comes out otherwise in two models that are truly equal. Two trainings of
# one recipe with other seeds differ in more rows than the least, and rarely in as many as the most.
LEAST_DISCORDANCE = 1 / 500
USUAL_DISCORDANCE = 1 / 20
# An own query changes places 1 and 2 with its neighbour, and twice as many queries do so as triplets.
_NDCG_STEP = 1 - 1 / math.log2(3)
_NDCG_TIMES = 2
# A tenth where a twentieth of all rows differ, which is what `least_hard_rows` states.
_HARD_TIMES = 2


@dataclass(frozen=True)
class TestSet:
    """The rows that judge, as far as they can be compared: those that no trained text is near.

    Attributes:
        rows: Cluster of each row.
        queries: Cluster of each own query, which is compared where none of its rows is near.
        hard: Cluster of each hard row.
        clusters: How many clusters there are.
    """

    rows: NDArray[np.int64]
    queries: NDArray[np.int64]
    hard: NDArray[np.int64]
    clusters: int


def comparable(traits: pl.DataFrame, params: GateParams) -> TestSet:
    """Take what can be compared of `data/traits.parquet`.

    Raises:
        InvalidParams: `gate.cluster` names no column.
    """
    column = "component" if params.cluster == "component" else slice_column(params.cluster)
    if column not in traits.columns:
        raise InvalidParams(
            f"gate.cluster is {params.cluster!r}; wanted component or one of dataset.slices, and the audit "
            "saw no such column. Run `dvc repro audit`"
        )
    split = traits.filter(pl.col("split") == params.split)
    numbered = split.with_columns(cluster=pl.col(column).rank("dense").fill_null(0).cast(pl.Int64))
    apart = numbered.filter(~pl.col("near_train"))
    queries = numbered.group_by("group", maintain_order=True).agg(
        pl.col("cluster").first(), pl.col("near_train").any()
    )
    names = apart["cluster"].unique().sort()
    place = {int(name): number for number, name in enumerate(names)}

    def of(rows: pl.DataFrame) -> NDArray[np.int64]:
        return np.array([place[int(one)] for one in rows["cluster"] if int(one) in place], np.int64)

    return TestSet(
        rows=of(apart),
        queries=of(queries.filter(~pl.col("near_train"))),
        hard=of(apart.filter("hard")),
        clusters=len(place),
    )


def visible(found: TestSet, params: GateParams, margins: Margins, discordance: float) -> dict[Metric, Bounds]:
    """Bound the differences that an equal candidate would show, by metric, where there are rows for it.

    Args:
        found: The rows that can be compared.
        params: The level of a look, and the seed.
        margins: What `rows_needed` of each bound is for.
        discordance: Share of the rows that come out otherwise, half of them lost, half won.
    """
    asked: Sequence[tuple[Metric, NDArray[np.int64], float, float, float]] = (
        ("ndcg", found.queries, min(1.0, discordance * _NDCG_TIMES), _NDCG_STEP, margins.ndcg),
        ("accuracy", found.rows, discordance, 1.0, margins.accuracy),
        ("hard", found.hard, min(1.0, discordance * _HARD_TIMES), 1.0, margins.hard),
    )
    there = [one for one in asked if len(one[1])]
    if not there:
        return {}
    resamples = min(params.resamples, math.ceil(2 / level(params)))
    drawn = bootstrap.resample(
        [Differences(_equal(len(one[1]), one[2], one[3], params.seed), one[1]) for one in there],
        found.clusters,
        resamples,
        params.seed,
    )
    bounds = bootstrap.bounds(
        drawn, [level(params)] * len(there), [True] * len(there), [one[4] for one in there]
    )
    return {one[0]: bound for one, bound in zip(there, bounds, strict=True)}


def _equal(rows: int, discordance: float, step: float, seed: int) -> NDArray[np.float64]:
    """Draw the differences of two equal models: as many rows lost as won."""
    values = np.zeros(rows)
    pairs = round(rows * discordance / 2)
    places = np.random.default_rng(seed).permutation(rows)[: 2 * pairs]
    values[places[:pairs]], values[places[pairs:]] = step, -step
    return values


def chance(negatives: int) -> float:
    """Return the triplet accuracy that guessing reaches, rounded up: the least floor that says something.

    Args:
        negatives: Of a row; none leaves nothing to tell positives from.

    Example:
        >>> chance(0), chance(1), chance(3)
        (0.0, 0.5, 0.25)
    """
    return rounded_up(1 / (1 + negatives)) if negatives else 0.0


def suggested(found: TestSet, params: GateParams) -> Margins:
    """Return margins that an equal candidate keeps on these rows, where it differs in as many as is usual.

    A metric without rows is not judged; its margin is that of the accuracy, or 1.
    """
    bounds = visible(found, params, params.live_margins, USUAL_DISCORDANCE)
    least = {metric: min(1.0, rounded_up(bound.visible)) for metric, bound in bounds.items()}
    accuracy = least.get("accuracy", 1.0)
    return Margins(ndcg=least.get("ndcg", 1.0), hard=least.get("hard", accuracy), accuracy=accuracy)


def wider(margins: Margins) -> Margins:
    """Return margins against the best release so far: half as much again, for what adds up in between."""
    values = {name: min(1.0, rounded_up(1.5 * value)) for name, value in margins.model_dump().items()}
    return Margins(**values)


def rounded_up(value: float) -> float:
    """Round up to two digits, as somebody writes a margin.

    >>> rounded_up(0.01234), rounded_up(0.0)
    (0.013, 0.0)
    """
    if value <= 0:
        return 0.0
    digits = 1 - math.floor(math.log10(value))
    return float(round(math.ceil(round(value * 10**digits, 9)) / 10**digits, digits))
