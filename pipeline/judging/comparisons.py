"""What the gate compares: differences of two models on the rows that neither was trained on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from pipeline.dataset.slices import masks
from pipeline.errors import InvalidParams, UnmeasuredCheck
from pipeline.judging.bootstrap import Differences
from pipeline.params.gate import GateParams, Margins

# Slices of fewer rows are shown and not judged.
_LEAST_SLICE_ROWS = 30


@dataclass(frozen=True)
class Named:
    """One comparison before it is resampled.

    Attributes:
        other: The model that the candidate is compared with.
        metric: ndcg, accuracy, hard, or accuracy in a slice: slice_COLUMN=VALUE.
        margin: How far below the candidate may lie; None where it must be better instead.
        judged: Whether the verdict rests on it; a hard subset of few rows is reported only.
        differences: Candidate less other.
        left_out: Rows left out because one of the two was trained on something near them.
        comparable: False where nobody knows what the other model was trained on.
    """

    other: str
    metric: str
    dim: int
    margin: float | None
    differences: Differences
    left_out: int
    comparable: bool
    judged: bool = True

    @property
    def name(self) -> str:
        """The name that the verdict gives it."""
        return self.metric if self.metric.startswith("slice_") else f"{self.other}_{self.metric}_{self.dim}"


@dataclass(frozen=True)
class Tables:
    """What `evaluate` and `audit` wrote, as far as the gate's split goes.

    Attributes:
        outcomes: model, row, dim, value (1.0 where the positive is nearer, null where a cosine is no number),
            seen, cluster, hard.
        queries: model, query, dim, value (nDCG@10), seen, cluster.
        clusters: How many clusters there are.
        rows: Rows of the split, of which every model must have an outcome at every width.
        groups: The same for queries.
        not_finite: Scores of the candidate that are no number.
        slices: The rows in each slice.
    """

    outcomes: pl.DataFrame
    queries: pl.DataFrame
    clusters: int
    rows: int
    groups: int
    not_finite: int
    slices: dict[str, pl.Series]


def tables(
    outcomes: pl.DataFrame, retrieved: pl.DataFrame, traits: pl.DataFrame, params: GateParams
) -> Tables:
    """Take the gate's split, and number its clusters in the order of their first rows.

    Raises:
        InvalidParams: `gate.cluster` names no column.
    """
    column = "component" if params.cluster == "component" else f"slice_{params.cluster}"
    if column not in traits.columns:
        slices = [name.removeprefix("slice_") for name in traits.columns if name.startswith("slice_")]
        raise InvalidParams(
            f"gate.cluster is {params.cluster!r}; wanted component or one of dataset.slices "
            f"({', '.join(slices) or 'there are none'})"
        )
    named = traits.filter(pl.col("split") == params.split).sort("row")
    order = named.select(pl.col(column)).unique(maintain_order=True).with_row_index("cluster")
    rows = named.join(order, on=column, nulls_equal=True, maintain_order="left")
    groups = rows.unique("group", keep="first", maintain_order=True).select("group", "cluster")
    # Polars holds NaN for larger than every number, so that a broken model would win each row.
    broken = pl.any_horizontal(pl.col("cos_positive", "cos_negative").is_nan())
    won = pl.when(~broken).then((pl.col("cos_positive") > pl.col("cos_negative")).cast(pl.Float64))
    own = (pl.col("set") == "own") & (pl.col("split") == params.split) & (pl.col("precision") == "float32")
    ours = pl.col("model") == "candidate"
    scores = [
        *outcomes.filter(ours & (pl.col("split") == params.split)).select("cos_positive", "cos_negative"),
        retrieved.filter(ours & own)["ndcg10"],
    ]
    return Tables(
        rows=rows.height,
        groups=groups.height,
        not_finite=sum(len(each) - int(each.is_finite().sum()) for each in scores),
        outcomes=outcomes.filter(pl.col("split") == params.split)
        .join(rows.select("row", "cluster", "hard"), on="row", maintain_order="left")
        .select("model", "row", "dim", won.alias("value"), "seen", "cluster", "hard"),
        queries=retrieved.filter(own)
        .join(groups, left_on="query", right_on="group", maintain_order="left")
        .select("model", "query", "dim", pl.col("ndcg10").alias("value"), "seen", "cluster"),
        clusters=order.height,
        slices={name: rows["row"].filter(pl.Series(mask)) for name, mask in masks(rows).items()},
    )


def complete(found: Tables, models: Sequence[str], dims: Iterable[int]) -> None:
    """Refuse tables in which a model lacks a row, or has one twice: what is not there would not be judged.

    Args:
        found: What was measured.
        models: Base, candidate and the others that are compared.
        dims: Widths that base and candidate must have; others may have fewer, the same in both tables.

    Raises:
        UnmeasuredCheck: Something is missing or doubled; names it.
    """
    for model in models:
        parts = [
            (what, table.filter(pl.col("model") == model), key, count)
            for what, table, key, count in (
                ("triplet outcomes", found.outcomes, "row", found.rows),
                ("nDCG@10 of own queries", found.queries, "query", found.groups),
            )
        ]
        wanted = (
            set(dims) if model in ("base", "candidate") else {dim for one in parts for dim in one[1]["dim"]}
        )
        for what, rows, key, count in parts:
            for dim in sorted(wanted, reverse=True):
                keys = rows.filter(pl.col("dim") == dim)[key]
                if not len(keys) == keys.n_unique() == count:
                    raise UnmeasuredCheck(
                        f"the {model} model has {len(keys)} {what} at width {dim}, {keys.n_unique()} of them "
                        f"different; wanted {count}, one for each of the split's. Run `dvc repro evaluate`"
                    )


def against(found: Tables, other: str, margins: Margins | None, least_hard_rows: int) -> list[Named]:
    """Compare the candidate with one other model, at every width that both have.

    Args:
        found: What was measured.
        other: Its name.
        margins: Of H0, per metric; None compares nDCG@10 at the largest width alone, to be better.
        least_hard_rows: With fewer comparable ones the hard subset is reported and not judged.
    """
    dims = sorted(
        set(found.queries.filter(pl.col("model") == other)["dim"])
        & set(found.queries.filter(pl.col("model") == "candidate")["dim"]),
        reverse=True,
    )
    if margins is None:
        return [_paired(found.queries, "query", other, "ndcg", dim, None) for dim in dims[:1]]
    named = [_paired(found.queries, "query", other, "ndcg", dim, margins.ndcg) for dim in dims]
    named += [_paired(found.outcomes, "row", other, "accuracy", dim, margins.accuracy) for dim in dims]
    for dim in dims[:1]:
        hard = _paired(found.outcomes.filter("hard"), "row", other, "hard", dim, margins.hard)
        rows = len(hard.differences.values)
        if rows:
            named.append(replace(hard, judged=rows >= least_hard_rows))
    return named


def in_slices(found: Tables, other: str, max_drop: float) -> list[Named]:
    """Compare accuracy with one other model in every slice, at the largest width that both have."""
    both = (set(found.outcomes.filter(pl.col("model") == model)["dim"]) for model in ("candidate", other))
    dim = max(set.intersection(*both), default=0)
    cut = [
        _paired(
            found.outcomes.filter(pl.col("row").is_in(rows.implode())),
            "row",
            other,
            f"slice_{name}",
            dim,
            max_drop,
        )
        for name, rows in found.slices.items()
    ]
    return [one for one in cut if len(one.differences.values) >= _LEAST_SLICE_ROWS]


def _paired(table: pl.DataFrame, key: str, other: str, metric: str, dim: int, margin: float | None) -> Named:
    at = table.filter(pl.col("dim") == dim)
    ours, theirs = (at.filter(pl.col("model") == model) for model in ("candidate", other))
    pairs = ours.join(theirs.select(key, "value", "seen"), on=key, suffix="_other", maintain_order="left")
    known = pairs["seen_other"].null_count() == 0 and pairs["seen"].null_count() == 0
    seen = pairs.select((pl.col("seen") | pl.col("seen_other")).fill_null(True))["seen"]
    kept = pairs.filter(~seen)
    difference = (kept["value"] - kept["value_other"]).to_numpy().astype(np.float64)
    # What is no number was lost.
    values = np.where(np.isfinite(difference), difference, -1.0)
    clusters = kept["cluster"].to_numpy().astype(np.int64)
    return Named(other, metric, dim, margin, Differences(values, clusters), int(seen.sum()), comparable=known)


def margins(params: GateParams) -> Mapping[str, Margins]:
    """Give the margins of each model that the candidate must not fall behind."""
    return {"live": params.live_margins, "anchor": params.anchor_margins}
