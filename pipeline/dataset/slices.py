"""Slices of a split: the values of its slice columns, and rows new in this revision against old ones."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

MAX_SLICES = 50


def masks(rows: pl.DataFrame) -> dict[str, NDArray[np.bool_]]:
    """Say which rows are in each slice.

    Args:
        rows: Of one split, with `new` and the columns `slice_COLUMN`.

    Returns:
        By `COLUMN=VALUE` (the commonest `MAX_SLICES` values, and `other`; null is `null`), `rows=new` and
        `rows=old`: a mask over the rows; never of none.
    """
    found: dict[str, NDArray[np.bool_]] = {}
    for column in (name for name in rows.columns if name.startswith("slice_")):
        values = rows[column].fill_null("null")
        # The commonest; of equally common ones the first by name.
        counts = sorted(values.value_counts().iter_rows(), key=lambda one: (-one[1], one[0]))
        named = {value for value, _ in counts[:MAX_SLICES]}
        labels = np.array([value if value in named else "other" for value in values.to_list()], dtype=object)
        for value in sorted(set(labels.tolist())):
            found[f"{column.removeprefix('slice_')}={value}"] = np.asarray(labels == value, np.bool_)
    new = rows["new"].to_numpy()
    found |= {key: mask for key, mask in (("rows=new", new), ("rows=old", ~new)) if mask.any()}
    return found
