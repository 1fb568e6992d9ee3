"""Slices of a split: the values of its slice columns, and rows new in this revision against old ones."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.records.tables import slice_column, slice_names

MAX_SLICES = 50


@dataclass(frozen=True)
class Slice:
    """The rows with one value in one column; of `rows` the values are `new` and `old`."""

    column: str
    value: str

    def __str__(self) -> str:
        return f"{self.column}={self.value}"


def masks(rows: pl.DataFrame) -> dict[Slice, NDArray[np.bool_]]:
    """Return which rows are in each slice.

    Args:
        rows: Of one split, with `new` and the slice columns of `records.tables.TRAITS`.

    Returns:
        A mask over the rows per slice; never of none. Of a column's values the commonest `MAX_SLICES` have
        their own, the rest are `other`; null is `null`.
    """
    found: dict[Slice, NDArray[np.bool_]] = {}
    for name in slice_names(rows.columns):
        values = rows[slice_column(name)].fill_null("null")
        # The commonest; of equally common ones the first by name.
        counts = sorted(values.value_counts().iter_rows(), key=lambda one: (-one[1], one[0]))
        named = {value for value, _ in counts[:MAX_SLICES]}
        labels = np.array([value if value in named else "other" for value in values.to_list()], dtype=object)
        for value in sorted(set(labels.tolist())):
            found[Slice(name, value)] = np.asarray(labels == value, np.bool_)
    new = rows["new"].to_numpy()
    ages = {Slice("rows", "new"): new, Slice("rows", "old"): ~new}
    return found | {age: mask for age, mask in ages.items() if mask.any()}
