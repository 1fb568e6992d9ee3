"""A split with its traits, and the tables of what a model made of each row and of each query."""

import math

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.embedding.encode import TripletScores
from pipeline.records import Accuracy
from pipeline.stages.evaluate.split import Split

_Z95 = 1.959963984540054


def accuracy(hits: int, rows: int) -> Accuracy:
    """Give the share of hits with its 95% interval (Wilson 1927), which also holds near 0 and 1."""
    share = hits / rows
    spread = _Z95**2 / rows
    centre = (share + spread / 2) / (1 + spread)
    half = _Z95 / (1 + spread) * math.sqrt(share * (1 - share) / rows + spread / (4 * rows))
    return Accuracy(accuracy=share, low=max(0.0, centre - half), high=min(1.0, centre + half), rows=rows)


def share(hits: NDArray[np.bool_]) -> Accuracy:
    """Give the accuracy of some rows; counted, since as a mean in float32 19 of 20 are less than 0.95."""
    return accuracy(int(hits.sum()), len(hits))


def triplet_rows(model: str, split: Split, scored: TripletScores, seen: pl.Series) -> list[pl.DataFrame]:
    """Give a table per width: model, split, row, group, dim, cos_positive, cos_negative, seen."""
    return [
        split.rows.select(
            pl.lit(model).alias("model"),
            pl.lit(split.name).alias("split"),
            "row",
            "group",
            pl.lit(dim).cast(pl.UInt16).alias("dim"),
            pl.Series("cos_positive", scored.positive[place]),
            pl.Series("cos_negative", scored.negative[place]),
            seen.alias("seen"),
        )
        for place, dim in enumerate(scored.dims)
    ]


def query_traits(split: Split, seen: pl.Series) -> pl.DataFrame:
    """Give component and seen of each own query, which is seen where a row of its group is."""
    return (
        split.rows.select("group", "component", seen.alias("seen"))
        .group_by("group", maintain_order=True)
        .agg(pl.col("component").first(), pl.col("seen").any(ignore_nulls=False))
        .select(pl.col("component").cast(pl.UInt32), "seen")
    )


def query_rows(
    model: str,
    place: tuple[str, str | None],
    cell: tuple[int, str],
    per_query: pl.DataFrame,
    traits: pl.DataFrame,
) -> pl.DataFrame:
    """Give the rows of `retrieved.parquet` for one model, set, width and precision.

    Args:
        model: Name of the model.
        place: The set, and for `own` the split.
        cell: Width and precision.
        per_query: What `retrieval.measures` gives.
        traits: component and seen of each query, in the same order.
    """
    return per_query.select(
        pl.lit(model).alias("model"),
        pl.lit(place[0]).alias("set"),
        pl.lit(place[1], dtype=pl.String).alias("split"),
        "query",
        pl.lit(cell[0]).cast(pl.UInt16).alias("dim"),
        pl.lit(cell[1]).alias("precision"),
        "ndcg10",
        "mrr10",
        "recall10",
        "recall100",
        traits["component"],
        traits["seen"],
    )
