"""Parquet files that need not fit into memory, a portion at a time."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq

PORTION_ROWS = 50_000


def portions(path: Path) -> Iterator[pl.DataFrame]:
    """Read a parquet file in order, `PORTION_ROWS` rows at a time."""
    # Without pre_buffer=False pyarrow holds all that it has read of the file until the end of it.
    with pq.ParquetFile(path, pre_buffer=False) as file:
        for batch in file.iter_batches(PORTION_ROWS):
            portion: Any = pl.from_arrow(batch)
            yield portion


def copied(rows: pl.DataFrame) -> pl.DataFrame:
    """Copy rows picked out of a portion, whose texts would all stay in memory as long as they do."""
    return pl.DataFrame(rows.to_arrow(compat_level=pl.CompatLevel.oldest()))
