"""Where a model is wrong: the triplets that it misses by most, and which kind of rows it misses."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.dataset.normalize import folded
from pipeline.dataset.numbers_and_negation import signals
from pipeline.records import Cosines, Mistakes, RowKind
from pipeline.records.tables import negative_columns
from pipeline.stages.evaluate.result_tables import share
from pipeline.stages.evaluate.split import MeasuredSplit

_SHOWN = 10


def find(split: MeasuredSplit, outcomes: pl.DataFrame, dim: int) -> Mistakes:
    """Find the mistakes of one model.

    Args:
        split: The rows with their texts.
        outcomes: row, cos_positive and cos_negative of each of them, at one width.
        dim: The width at which they were measured.
    """
    rows = split.rows.join(outcomes, on="row", how="left", maintain_order="left")
    right = (rows["cos_positive"] > rows["cos_negative"]).fill_null(False).to_numpy()
    differs = np.zeros(rows.height, dtype=bool)
    for folding in split.foldings:
        positive, *others = (
            signals(_folded(rows, column, folding), folding)
            for column in ("positive", *negative_columns(rows.columns))
        )
        differs |= np.any([(positive != other).to_numpy() for other in others], axis=0)
    kinds: dict[RowKind, NDArray[np.bool_]] = {"signal": differs, "other": ~differs}
    wrong = rows.filter(pl.Series(~right)).sort(pl.col("cos_positive") - pl.col("cos_negative"), "row")
    return Mistakes(
        split=split.name,
        dim=dim,
        wrong=wrong.height,
        kinds={kind: share(right[rows_of]) for kind, rows_of in kinds.items() if np.any(rows_of)},
        worst={
            row: Cosines(cos_positive=positive, cos_negative=negative)
            for row, positive, negative in wrong.filter(
                pl.col("cos_positive").is_finite() & pl.col("cos_negative").is_finite()
            )
            .head(_SHOWN)
            .select("row", "cos_positive", "cos_negative")
            .iter_rows()
        },
    )


def _folded(rows: pl.DataFrame, column: str, folding: str) -> pl.Series:
    """Return a column's folded texts; an absent negative differs in nothing from the positive."""
    text = pl.col(column).fill_null(pl.col("positive"))
    return rows.select(folded(text, folding).alias("text"))["text"]
