"""`data/traits.parquet`: what the verdict must know of each held-out row, beside its texts."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.dataset import near_duplicates
from pipeline.dataset.normalize import folded
from pipeline.params.audit import NearDuplicateParams


def table(
    name: str,
    clean: pl.DataFrame,
    origin: pl.DataFrame,
    flags: pl.DataFrame,
    hard: NDArray[np.bool_],
    revision: str,
    slices: Sequence[str],
    params: NearDuplicateParams,
) -> pl.DataFrame:
    """Give one row per clean row of a held-out split.

    Args:
        name: The split.
        clean: row, query, positive, negative, group.
        origin: first_seen and the slice columns of the same rows.
        flags: near_train and personal_data of the same rows.
        hard: Whether neither shortcut gets the row right.
        revision: Rows first seen at this commit are new.
        slices: Names of the slice columns.
        params: When two queries are near-duplicates.
    """
    queries = clean.select(folded(pl.col("query")))["query"]
    return clean.select(
        pl.lit(name).alias("split"),
        "row",
        "group",
        pl.Series("component", near_duplicates.components(queries, params), dtype=pl.UInt32),
        pl.Series("hard", hard, dtype=pl.Boolean),
        flags["near_train"],
        (origin["first_seen"] == revision).fill_null(False).alias("new"),
        flags["personal_data"].alias("personal"),
        *(origin[column].alias(f"slice_{column}") for column in slices),
    )
