"""A split with its traits, and the tables of what a model made of each row and of each query."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.encoding import TripletScores
from pipeline.errors import InvalidData
from pipeline.records import Accuracy
from pipeline.retrieval import Collection, own_texts
from pipeline.slices import masks

_Z95 = 1.959963984540054


@dataclass(frozen=True)
class Split:
    """One split.

    Attributes:
        name: `dev` or `test`.
        rows: Clean rows with their traits beside them.
        own: Retrieval among the split's own texts.
        slices: Which rows are in each slice, as `slices.masks` names them.
    """

    name: str
    rows: pl.DataFrame
    own: Collection
    slices: dict[str, NDArray[np.bool_]]


def read_split(data: Path, name: str) -> Split:
    """Read a clean split and its traits.

    Raises:
        InvalidData: It has no rows, or rows without traits.
    """
    path = data / "clean" / f"{name}.parquet"
    clean = pl.read_parquet(path)
    if not clean.height:
        raise InvalidData(
            f"{path} has no rows; wanted at least one to measure on. See records/audit.json for what was "
            "rejected, or take the split out of evaluate.splits"
        )
    traits = pl.read_parquet(data / "traits.parquet").filter(pl.col("split") == name).drop("split", "group")
    rows = clean.join(traits, on="row", how="inner", validate="1:1", maintain_order="left")
    if rows.height != clean.height:
        raise InvalidData(
            f"{data / 'traits.parquet'} describes {rows.height} of the {clean.height} rows of {path}; wanted "
            "every one. Run `audit` again"
        )
    return Split(name, rows, own_texts(rows), masks(rows))


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
