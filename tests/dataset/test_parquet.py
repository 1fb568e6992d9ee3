"""Reading a file in portions: what stays in memory of one that has gone by."""

from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from pipeline.dataset.parquet import copied, portions
from pipeline.stages.audit.shortcut import sample

ROWS = 600_000
CHARACTERS = 100


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A split of 60 MB of text, 38 MB on disk, of which a portion is a twelfth."""
    letters = np.random.default_rng(1).integers(97, 123, (ROWS, CHARACTERS), dtype=np.uint8)
    texts = letters.view(f"S{CHARACTERS}").ravel().astype(str)
    path: Path = tmp_path_factory.mktemp("split") / "train.parquet"
    pl.DataFrame({"row": np.arange(ROWS), "query": texts}).write_parquet(path, row_group_size=10_000)
    return path


def test_audit_holds_one_portion_at_a_time(split: Path) -> None:
    before = pa.total_allocated_bytes()
    held = []
    for rows in portions(split):
        del rows
        held.append(pa.total_allocated_bytes() - before)
    assert len(held) == 12
    assert max(held) < 20_000_000


def test_audit_keeps_of_a_portion_only_the_rows_that_it_picks(split: Path) -> None:
    before = pa.total_allocated_bytes()
    picked = pl.concat([copied(rows[[0, 7]]) for rows in portions(split)])
    assert pa.total_allocated_bytes() - before < 1_000_000
    assert picked.equals(pl.read_parquet(split)[picked["row"]])


def test_audit_keeps_of_a_split_only_the_rows_that_it_learns_from(split: Path) -> None:
    before = pa.total_allocated_bytes()
    drawn = sample(split, 100)
    assert pa.total_allocated_bytes() - before < 1_000_000
    assert drawn.equals(pl.read_parquet(split)[drawn["row"]])
