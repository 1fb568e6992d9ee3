"""Tables of what a model made of each row and of each query, and the shares that are counted."""

import math

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.embedding.encode import TripletScores
from pipeline.records import Accuracy, ModelName
from pipeline.records.tables import OUTCOMES, RETRIEVED, QuerySet
from pipeline.stages.evaluate.quantization import VectorFormat
from pipeline.stages.evaluate.split import MeasuredSplit

_Z95 = 1.959963984540054


def accuracy(hits: int, rows: int) -> Accuracy:
    """Return the share of hits with its 95% interval (Wilson 1927), which also holds near 0 and 1."""
    share = hits / rows
    spread = _Z95**2 / rows
    centre = (share + spread / 2) / (1 + spread)
    half = _Z95 / (1 + spread) * math.sqrt(share * (1 - share) / rows + spread / (4 * rows))
    return Accuracy(accuracy=share, low=max(0.0, centre - half), high=min(1.0, centre + half), rows=rows)


def share(hits: NDArray[np.bool_]) -> Accuracy:
    """Return the accuracy of some rows; counted, since as a mean in float32 19 of 20 are less than 0.95."""
    return accuracy(int(hits.sum()), len(hits))


def triplet_rows(
    model: ModelName, split: MeasuredSplit, scored: TripletScores, seen: pl.Series
) -> list[pl.DataFrame]:
    """Return the rows of `OUTCOMES` for one model and split, a table per width."""
    none = [None] * split.rows.height
    return [
        OUTCOMES.shape(
            split.rows.with_columns(
                model=pl.lit(model),
                split=pl.lit(split.name),
                dim=pl.lit(dim),
                cos_positive=pl.Series(scored.positive[place]),
                cos_negative=pl.Series(
                    none if scored.negative is None else scored.negative[place], dtype=pl.Float32
                ),
                seen=seen,
            )
        )
        for place, dim in enumerate(scored.dims)
    ]


def query_traits(split: MeasuredSplit, seen: pl.Series) -> pl.DataFrame:
    """Return component and seen of each own query, which is seen where a row of its group is."""
    return (
        split.rows.select("group", "component", seen.alias("seen"))
        .group_by("group", maintain_order=True)
        .agg(pl.col("component").first(), pl.col("seen").any(ignore_nulls=False))
        .select("component", "seen")
    )


def query_rows(
    model: ModelName,
    queries: QuerySet,
    stored: VectorFormat,
    per_query: pl.DataFrame,
    traits: pl.DataFrame,
) -> pl.DataFrame:
    """Return the rows of `RETRIEVED` for one model, set of queries and format of the documents' vectors.

    Args:
        model: Name of the model.
        queries: Names the set.
        stored: The format.
        per_query: What `retrieval.measures` gives.
        traits: component and seen of each query, in the same order.
    """
    return RETRIEVED.shape(
        per_query.with_columns(
            model=pl.lit(model),
            set=pl.lit(queries.name),
            split=pl.lit(queries.split, dtype=pl.String),
            dim=pl.lit(stored.dim),
            precision=pl.lit(stored.precision),
            component=traits["component"],
            seen=traits["seen"],
        )
    )
