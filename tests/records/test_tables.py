"""A table has the columns that its one home names, whoever writes it and whoever reads it."""

from pathlib import Path

import polars as pl
import pytest

from pipeline.errors import BrokenChain
from pipeline.records import tables
from pipeline.records.tables import OUTCOMES, REJECTED, RETRIEVED, TRAITS, QuerySet, Table
from pipeline.workspace import paths

FILES = {
    paths.OUTCOMES: OUTCOMES,
    paths.RETRIEVED: RETRIEVED,
    paths.TRAITS: TRAITS,
    paths.REJECTED: REJECTED,
    f"{paths.CARD}/trained_rows.parquet": tables.FINGERPRINTS,
}


@pytest.mark.parametrize("path", FILES)
def test_table_that_a_step_wrote_has_the_columns_that_are_named(finished: Path, path: str) -> None:
    found = pl.read_parquet_schema(finished / path)
    assert list(found.items()) == list(FILES[path].columns.items())


def test_table_is_shaped_to_its_columns_and_types() -> None:
    rows = pl.DataFrame(
        {"slice_plan": ["a"], "extra": [1], "row": [7], "split": ["test"], "slice_team": ["b"]}
    )
    columns = {"split": pl.String, "row": pl.UInt32}
    assert dict(Table(columns).shape(rows).schema) == columns
    sliced = Table(columns, sliced=True).shape(rows)
    assert sliced.columns == ["split", "row", "slice_plan", "slice_team"]
    assert tables.slice_names(sliced.columns) == ["plan", "team"]


@pytest.mark.parametrize(
    ("rows", "found"),
    [({"row": [1]}, "'split': 'missing'"), ({"split": ["test"], "row": [1.5]}, "'row': 'Float64'")],
)
def test_table_that_was_written_otherwise_is_named(
    tmp_path: Path, rows: dict[str, list[object]], found: str
) -> None:
    path = tmp_path / "rows.parquet"
    pl.DataFrame(rows).write_parquet(path)
    with pytest.raises(
        BrokenChain, match=rf"rows.parquet has the columns .*{found}.*; wanted .*Run `dvc repro`"
    ):
        Table({"split": pl.String, "row": pl.UInt32}).read(path)


@pytest.mark.parametrize("content", [None, b"", b"PAR1 and no more"])
def test_table_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "rows.parquet"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BrokenChain, match=r"rows.parquet cannot be read .*Restore it with `dvc checkout`"):
        Table({"row": pl.UInt32}).read(path)


def test_query_set_finds_its_rows_and_no_others() -> None:
    rows = pl.DataFrame(
        {"set": ["own", "own", "service", "sts"], "split": ["dev", "test", None, None]},
        schema={"set": pl.String, "split": pl.String},
    ).with_row_index("place")
    found = {
        one: rows.filter(one.rows())["place"].to_list()
        for one in (QuerySet.own("test"), QuerySet.service(), QuerySet("sts"))
    }
    assert list(found.values()) == [[1], [2], [3]]
