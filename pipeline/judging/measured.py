"""What was measured on the split that decides, row by row, as the gate compares it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from pipeline.dataset.slices import Slice, masks
from pipeline.errors import InvalidParams, UnmeasuredCheck
from pipeline.params.gate import GateParams
from pipeline.records import HeldOut, ModelName
from pipeline.records.tables import QuerySet, slice_column, slice_names


@dataclass(frozen=True)
class Measured:
    """What `evaluate` and `audit` wrote, as far as the gate's split goes.

    Attributes:
        outcomes: model, row, dim, value (1.0 where the positive is nearer, null where a cosine is no number),
            seen, cluster, hard; no row of a split of pairs, which have no negatives.
        queries: model, query, dim, value (nDCG@10), seen, cluster.
        clusters: How many clusters there are.
        rows: Rows of the split, of which every model must have an outcome at every width.
        groups: The same for queries.
        not_finite: Scores of the candidate that are no number.
        slices: The rows in each slice; none that is the whole split.
        pairs: The split holds pairs: nothing but nDCG@10 is compared.
    """

    outcomes: pl.DataFrame
    queries: pl.DataFrame
    clusters: int
    rows: int
    groups: int
    not_finite: int
    slices: dict[Slice, pl.Series]
    pairs: bool

    def dims(self, model: ModelName) -> set[int]:
        """Return the widths at which a model was measured."""
        return {dim for table in (self.outcomes, self.queries) for dim in _of(table, model)["dim"]}

    def common_dims(self, other: ModelName) -> list[int]:
        """Return the widths that the candidate and another model have, the largest first."""
        both = (set(_of(self.queries, model)["dim"]) for model in ("candidate", other))
        return sorted(set.intersection(*both), reverse=True)


def select(
    outcomes: pl.DataFrame, retrieved: pl.DataFrame, traits: pl.DataFrame, params: GateParams
) -> Measured:
    """Take the gate's split, and number its clusters in the order of their first rows.

    Raises:
        InvalidParams: `gate.cluster` names no column.
    """
    rows, clusters = _clustered(traits, params)
    queries = rows.unique("group", keep="first", maintain_order=True).select("group", "cluster")
    measured = outcomes.filter(pl.col("split") == params.split)
    # A model that is broken gives NaN, never null: null is a negative that is not there.
    pairs = measured["cos_negative"].null_count() == measured.height
    triplets = measured.clear() if pairs else measured
    ndcg = retrieved.filter(_own_queries(params.split))
    # Polars holds NaN for larger than every number, so that a broken model would win each row.
    broken = pl.any_horizontal(pl.col("cos_positive", "cos_negative").is_nan())
    won = pl.when(~broken).then((pl.col("cos_positive") > pl.col("cos_negative")).cast(pl.Float64))
    return Measured(
        outcomes=triplets.join(rows.select("row", "cluster", "hard"), on="row", maintain_order="left").select(
            "model", "row", "dim", won.alias("value"), "seen", "cluster", "hard"
        ),
        queries=ndcg.join(queries, left_on="query", right_on="group", maintain_order="left").select(
            "model", "query", "dim", pl.col("ndcg10").alias("value"), "seen", "cluster"
        ),
        clusters=clusters,
        rows=rows.height,
        groups=queries.height,
        not_finite=_not_finite(measured, ndcg, pairs=pairs),
        slices={
            one: rows["row"].filter(pl.Series(mask)) for one, mask in masks(rows).items() if not mask.all()
        },
        pairs=pairs,
    )


def refuse_incomplete(found: Measured, models: Sequence[ModelName], dims: Iterable[int]) -> None:
    """Refuse tables in which a model lacks a row, or has one twice: what is not there would not be judged.

    Args:
        found: What was measured.
        models: Base, candidate and the others that are compared.
        dims: Widths that base and candidate must have; others may have fewer, the same in both tables.

    Raises:
        UnmeasuredCheck: Something is missing or doubled; names it.
    """
    for model in models:
        wanted = set(dims) if model in ("base", "candidate") else found.dims(model)
        for what, table, key, count in (
            ("triplet outcomes", found.outcomes, "row", found.rows),
            ("nDCG@10 of own queries", found.queries, "query", found.groups),
        )[found.pairs :]:
            for dim in sorted(wanted, reverse=True):
                keys = _of(table, model).filter(pl.col("dim") == dim)[key]
                if not len(keys) == keys.n_unique() == count:
                    raise UnmeasuredCheck(
                        f"the {model} model has {len(keys)} {what} at width {dim}, {keys.n_unique()} of them "
                        f"different; wanted {count}, one for each of the split's. Run `dvc repro evaluate`"
                    )


def _of(table: pl.DataFrame, model: str) -> pl.DataFrame:
    return table.filter(pl.col("model") == model)


def _own_queries(split: HeldOut) -> pl.Expr:
    """Return which rows hold the split's own queries as they were searched without loss."""
    return QuerySet.own(split).rows() & (pl.col("precision") == "float32")


def _clustered(traits: pl.DataFrame, params: GateParams) -> tuple[pl.DataFrame, int]:
    """Return the split's rows, each with the number of its cluster, and how many clusters there are."""
    column = params.cluster if params.cluster == "component" else slice_column(params.cluster)
    if column not in traits.columns:
        raise InvalidParams(
            f"gate.cluster is {params.cluster!r}; wanted component or one of dataset.slices "
            f"({', '.join(slice_names(traits.columns)) or 'there are none'})"
        )
    rows = traits.filter(pl.col("split") == params.split).sort("row")
    numbers = rows.select(pl.col(column)).unique(maintain_order=True).with_row_index("cluster")
    return rows.join(numbers, on=column, nulls_equal=True, maintain_order="left"), numbers.height


def _not_finite(outcomes: pl.DataFrame, ndcg: pl.DataFrame, *, pairs: bool) -> int:
    """Count the candidate's scores that are no number."""
    ours = pl.col("model") == "candidate"
    cosines = outcomes.filter(ours).select("cos_positive", *([] if pairs else ["cos_negative"]))
    scores = [*cosines, ndcg.filter(ours)["ndcg10"]]
    return sum(len(each) - int(each.is_finite().sum()) for each in scores)
