"""Which limits of the gate no candidate can keep on a data set, known before anything is trained."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.errors import InvalidParams
from pipeline.judging import bootstrap
from pipeline.judging.bootstrap import Bounds, Differences
from pipeline.judging.comparisons import least_hard_rows, level
from pipeline.judging.thresholds import at_least, at_most
from pipeline.params.gate import GateParams, Margins
from pipeline.params.train import TrainParams
from pipeline.records import Audit, Check, Metric, Rival
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
_MOST_OVER_LONG = 0.9


@dataclass(frozen=True)
class Limit:
    """One limit, what the data set is held against it, and what to do where it is not kept.

    Attributes:
        name: As the verdict calls it, where the verdict has it.
        check: The value found, the rule and the value wanted.
        remedy: What to do.
        stops: Whether no candidate can pass where the check does not hold; else it is only worth knowing.
    """

    name: str
    check: Check
    remedy: str
    stops: bool = True

    def __str__(self) -> str:
        """Return value, rule and limit, and the remedy where it is needed."""
        value, wanted = (_shown(one) for one in (self.check.value, self.check.wanted))
        said = f"{self.name} is {value}, wanted {self.check.rule} {wanted}"
        return said if self.check.passed else f"{said}: {self.remedy}"


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


def limits(
    audit: Audit, found: TestSet, rivals: Sequence[Rival], params: GateParams, train: TrainParams
) -> list[Limit]:
    """Hold every limit that can be held against a data set before anything is trained.

    Args:
        audit: The record of what the audit counted.
        found: The rows that can be compared.
        rivals: The models that the candidate will be compared with, beside the base.
        params: The section `gate` of params.yaml.
        train: The section `train`.
    """
    split = audit.splits[params.split]
    near = audit.near_train[params.split]
    held = [
        Limit(
            "clusters",
            at_least(float(found.clusters), float(params.min_clusters)),
            f"the {params.split} split has {split.kept:,} clean rows, {near:,} of them near a trained text. "
            f"Hold out more rows, or lower gate.min_clusters to {max(2, found.clusters):,} or less",
        ),
        Limit(
            "leak_share",
            at_most(near / split.kept, params.max_leak_share),
            f"{near:,} of {split.kept:,} rows of {params.split} are the same as a text that is trained on, "
            "or near one. With audit.policies.near_duplicate and same_text at drop the trained rows leave",
        ),
        Limit(
            "rejected_share",
            at_most(audit.rejected_share, params.max_rejected_share),
            f"the audit rejected them for {_reasons(audit)}; data/rejected.parquet has each with its reason. "
            "Correct the data set, or raise gate.max_rejected_share if that is what it is",
        ),
        *_over_long(audit),
        *_left_out(audit, train),
    ]
    of: Mapping[Rival, Margins] = {"live": params.live_margins, "anchor": params.anchor_margins}
    for rival in rivals:
        held += _margins(found, rival, of[rival], params, pairs=params.split not in audit.shortcut)
    return held


def left_out(audit: Audit, batch_size: int) -> int:
    """Return about how many rows of train no batch without equal texts has room for.

    A text stands in a batch once at most, and an epoch has rows over batch size batches.
    """
    batches = math.ceil(audit.splits["train"].kept / batch_size)
    return max(
        (
            sum(texts * max(0, times - batches) for times, texts in column.items())
            for column in audit.repeated.values()
        ),
        default=0,
    )


def different(audit: Audit) -> int:
    """Return about how many rows the largest batch of train without equal texts has, at most.

    It is the number of different texts in the column that has fewest.
    """
    kept = audit.splits["train"].kept
    return min(
        (
            kept - sum(texts * (times - 1) for times, texts in column.items())
            for column in audit.repeated.values()
        ),
        default=kept,
    )


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


def _margins(
    found: TestSet, rival: Rival, margins: Margins, params: GateParams, *, pairs: bool
) -> list[Limit]:
    bounds = visible(found, params, margins, LEAST_DISCORDANCE)
    wanted: dict[Metric, float] = {"ndcg": margins.ndcg, "accuracy": margins.accuracy, "hard": margins.hard}
    held = []
    for metric, bound in bounds.items():
        if metric == "hard" and bound.rows < least_hard_rows(margins.hard, params):
            continue  # reported, not judged
        if metric == "accuracy" and pairs:
            continue  # there is nothing to tell positives from
        rows = f"about {bound.rows_needed:,} rows" if bound.rows_needed else "a margin above 0"
        held.append(
            Limit(
                f"{rival}_{metric}_visible",
                at_most(bound.visible, wanted[metric]),
                f"{bound.rows:,} rows would refuse a candidate that is equal and differs in one row of "
                f"{round(1 / LEAST_DISCORDANCE)}. Hold out {rows}, or set gate.{rival}_margins.{metric} to "
                f"{rounded_up(bound.visible)} or more",
            )
        )
    return held


def _over_long(audit: Audit) -> list[Limit]:
    held = []
    for column, lengths in audit.splits["train"].tokens.items():
        share = lengths.over_long / max(1, audit.splits["train"].kept)
        held.append(
            Limit(
                f"over_long_{column}",
                at_most(share, _MOST_OVER_LONG),
                f"the model would read only the beginning of nearly every {column}: the longest has "
                f"{lengths.max:,} tokens, on average {lengths.mean:,.0f}. Raise model.max_seq_length, or cut "
                "the texts into passages",
            )
        )
    return held


def _left_out(audit: Audit, train: TrainParams) -> list[Limit]:
    if train.batch_sampler != "no_duplicates" or train.max_triplets is not None:
        return []
    largest = different(audit)
    if largest < train.batch_size:
        return [
            Limit(
                "batch_size",
                at_most(float(train.batch_size), float(largest)),
                "without equal texts a batch has no room for more rows of train, and training refuses that. "
                f"Set train.batch_size to {largest:,} or less, or give the data set more different texts",
                stops=False,
            )
        ]
    count = left_out(audit, train.batch_size)
    smaller = train.batch_size
    while smaller > 2 and left_out(audit, smaller) > count // 10:
        smaller //= 2
    return [
        Limit(
            "rows_left_out",
            at_most(float(count), 0.0),
            f"so many rows of train share a text that no batch of {train.batch_size:,} without equal texts "
            f"has room for them: they are never trained on. With train.batch_size {smaller:,} they would be "
            f"{left_out(audit, smaller):,}; or give the data set more different texts",
            stops=False,
        )
    ]


def _reasons(audit: Audit) -> str:
    counted: dict[str, int] = {}
    for split in audit.splits.values():
        for reason, rows in split.dropped.items():
            counted[reason] = counted.get(reason, 0) + rows
    several = sorted(counted.items(), key=lambda one: -one[1])
    return ", ".join(f"{reason} ({rows:,})" for reason, rows in several[:4]) or "nothing"


def _shown(value: float | str | bool) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:,.0f}" if value >= 1 else f"{value:.4g}"


def rounded_up(value: float) -> float:
    """Round up to two digits, as somebody writes a margin.

    >>> rounded_up(0.01234), rounded_up(0.0)
    (0.013, 0.0)
    """
    if value <= 0:
        return 0.0
    digits = 1 - math.floor(math.log10(value))
    return float(round(math.ceil(round(value * 10**digits, 9)) / 10**digits, digits))
