"""Splits with their traits, slices, and what is known to have been seen."""

from pathlib import Path

import polars as pl
import pytest

from pipeline.dataset.slices import MAX_SLICES, Slice
from pipeline.stages.evaluate.result_tables import query_traits
from pipeline.stages.evaluate.split import read_split
from pipeline.workspace import paths


def write(folder: Path, slices: list[str | None]) -> Path:
    rows = len(slices)
    paths.clean(folder, "test").parent.mkdir(parents=True)
    clean = pl.DataFrame(
        {
            "row": pl.Series(range(rows), dtype=pl.UInt32),
            "query": [f"q{row // 2}" for row in range(rows)],
            "positive": [f"p{row}" for row in range(rows)],
            "negative": [f"n{row}" for row in range(rows)],
            "group": [f"g{row // 2}" for row in range(rows)],
        }
    )
    clean.write_parquet(paths.clean(folder, "test"))
    traits = clean.select(
        pl.lit("test").alias("split"),
        "row",
        "group",
        component=pl.col("row") // 2,
        hard=pl.lit(False),
        near_train=pl.lit(False),
        new=pl.lit(True),
        personal=pl.lit(False),
        slice_plan=pl.Series(slices, dtype=pl.String),
    )
    both = pl.concat([traits.with_columns(split=pl.lit("dev")), traits[::-1]])
    both.write_parquet(folder / paths.TRAITS)
    return folder


def test_outcomes_slices_are_sorted_and_the_rarest_are_other(tmp_path: Path) -> None:
    values = [f"v{number:02}" for number in range(MAX_SLICES + 3)]
    split = read_split(write(tmp_path, [*values, *values[3:], None, None]), "test", ("tr",))
    found = [one for one in split.slices if one.column == "plan"]
    # null and v03 to v51 stand twice; of those, names decide, and v52 is left over.
    assert [one.value for one in found] == ["null", "other", *values[3:-1]]
    assert int(split.slices[Slice("plan", "other")].sum()) == 3 + 2
    assert sum(int(split.slices[one].sum()) for one in found) == split.rows.height
    assert Slice("rows", "old") not in split.slices  # there are none
    assert split.slices[Slice("rows", "new")].all()


def test_outcomes_traits_stand_beside_their_rows_in_the_rows_order(tmp_path: Path) -> None:
    split = read_split(write(tmp_path, [f"s{row}" for row in range(6)]), "test", ("tr",))
    assert split.rows["row"].to_list() == list(range(6))
    assert split.rows["slice_plan"].to_list() == [f"s{row}" for row in range(6)]


@pytest.mark.parametrize(
    ("seen", "wanted"),
    [
        ([False, True, False, False], [True, False]),
        ([None, None, None, None], [None, None]),
        ([None, True, None, False], [True, None]),
    ],
)
def test_outcomes_a_query_is_seen_where_a_row_of_it_is(
    tmp_path: Path, seen: list[bool | None], wanted: list[bool | None]
) -> None:
    split = read_split(write(tmp_path, ["s"] * 4), "test", ("tr",))
    found = query_traits(split, pl.Series(seen, dtype=pl.Boolean))
    assert found["seen"].to_list() == wanted
    assert found["component"].to_list() == [0, 1]
    assert split.own.ids == ("g0", "g1")
