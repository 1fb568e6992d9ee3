"""`data/traits.parquet`: what the verdict must know of each held-out row, beside its texts."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.dataset import near_duplicates
from pipeline.params.audit import NearDuplicateParams
from pipeline.records.tables import TRAITS, slice_column


def table(
    name: str,
    clean: pl.DataFrame,
    origin: pl.DataFrame,
    flags: pl.DataFrame,
    hard: NDArray[np.bool_],
    revision: str,
    slices: Sequence[str],
    params: NearDuplicateParams,
    foldings: Sequence[str],
) -> pl.DataFrame:
    """Return the rows of `TRAITS`: one per clean row of a held-out split.

    Args:
        name: The split.
        clean: row, query, positive, negative, group.
        origin: first_seen and the slice columns of the same rows.
        flags: near_train and personal_data of the same rows.
        hard: Whether neither shortcut gets the row right.
        revision: Rows first seen at this commit are new.
        slices: Names of the slice columns.
        params: When two queries are near-duplicates.
        foldings: Of the data set's languages.
    """
    return TRAITS.shape(
        clean.with_columns(
            split=pl.lit(name),
            component=pl.Series(near_duplicates.components(clean["query"], params, foldings)),
            hard=pl.Series(hard),
            near_train=flags["near_train"],
            new=(origin["first_seen"] == revision).fill_null(False),
            personal=flags["personal_data"],
            **{slice_column(column): origin[column] for column in slices},
        )
    )
