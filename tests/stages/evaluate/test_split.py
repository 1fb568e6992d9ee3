"""A clean split with its traits beside it."""

from pathlib import Path

import polars as pl
import pytest

from pipeline.errors import InvalidData
from pipeline.stages.evaluate.split import read_split
from pipeline.workspace import paths


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    paths.clean(tmp_path, "test").parent.mkdir(parents=True)
    clean = pl.DataFrame(
        {
            "row": pl.Series([3, 1, 2], dtype=pl.UInt32),
            "query": ["Q", "q", "r"],
            "positive": ["p", "P", "s"],
            "negative": ["n", "n", "n"],
            "group": ["g", "g", "h"],
        }
    )
    clean.write_parquet(paths.clean(tmp_path, "test"))
    traits = clean.sort("row").select(
        pl.lit("test").alias("split"),
        "row",
        "group",
        component=pl.col("row"),
        hard=pl.col("row") == 1,
        near_train=pl.lit(False),
        new=pl.lit(True),
        personal=pl.lit(False),
    )
    both = pl.concat([traits.with_columns(split=pl.lit("dev"), hard=pl.lit(True)), traits])
    both.write_parquet(tmp_path / paths.TRAITS)
    return tmp_path


def test_rows_keep_their_order_and_get_their_own_traits(folder: Path) -> None:
    split = read_split(folder, "test", ("tr",))
    assert split.rows["row"].to_list() == [3, 1, 2]
    assert split.rows["hard"].to_list() == [False, True, False]
    assert len(split.own.queries) == 2  # Q and q are one query, folded


def test_split_without_rows_is_refused(folder: Path) -> None:
    path = paths.clean(folder, "test")
    pl.read_parquet(path).clear().write_parquet(path)
    with pytest.raises(InvalidData, match=r"has no rows; wanted at least one to measure on"):
        read_split(folder, "test", ("tr",))


def test_rows_without_traits_are_refused(folder: Path) -> None:
    traits = pl.read_parquet(folder / paths.TRAITS)
    traits.filter(pl.col("row") != 2).write_parquet(folder / paths.TRAITS)
    with pytest.raises(InvalidData, match=r"describes 2 of the 3 rows of .*Run `audit` again"):
        read_split(folder, "test", ("tr",))
