"""What the verdict must know of each held-out row."""

import numpy as np
import polars as pl

from pipeline.params import load
from pipeline.stages.audit import row_metadata
from tests.support.workspaces import PROJECT

NEAR = load(PROJECT).audit.near_duplicates
COMMIT = "a" * 40


def test_rows_are_told_new_hard_and_near_and_keep_their_slices() -> None:
    queries = [
        "faturam neden bu ay çok yüksek geldi",
        "hattımı nasıl kapatırım",
        "faturam neden bu ay çok yüksek geldi?",
    ]
    clean = pl.DataFrame(
        {
            "row": pl.Series([4, 7, 9], dtype=pl.UInt32),
            "query": queries,
            "positive": ["a", "b", "c"],
            "negative": ["d", "e", "f"],
            "group": ["g1", "g2", "g1"],
        }
    )
    origin = pl.DataFrame({"first_seen": [COMMIT, None, "b" * 40], "plan": ["x", None, "z"]})
    flags = pl.DataFrame({"near_train": [True, False, False], "personal_data": [False, False, True]})
    table = row_metadata.table(
        "test", clean, origin, flags, np.array([False, True, False]), COMMIT, ["plan"], NEAR, ["tr"]
    )
    assert table["split"].to_list() == ["test"] * 3
    assert table["row"].to_list() == [4, 7, 9]
    assert table["new"].to_list() == [True, False, False]  # nobody knows when the second was seen first
    assert table["hard"].to_list() == [False, True, False]
    assert table["near_train"].to_list() == [True, False, False]
    assert table["personal"].to_list() == [False, False, True]
    assert table["slice_plan"].to_list() == ["x", None, "z"]
    first, second, third = table["component"].to_list()
    assert first == third != second  # near-duplicates count as one cluster
    assert "query" not in table.columns
