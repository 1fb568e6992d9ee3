"""A rejected row names the row that it is a copy, a contradiction or a near-duplicate of."""

from pathlib import Path

import polars as pl
import pytest

from pipeline.stages.audit import rejected_rows
from tests.support.scanned import Row, scanned

TRAIN: list[Row] = [("q", "p", "n"), ("q", "p", "n"), ("q", "n", "p"), ("seen", "p", "n"), ("r", "held", "n")]
TEST: list[Row] = [("other", "x", "y"), ("seen", "z", "held")]


@pytest.mark.parametrize(
    ("reason", "place", "partner"),
    [
        ("duplicate", 1, ("train", 100)),
        ("contradiction", 2, ("train", 100)),  # the first of two
        ("same_query", 3, ("test", 101)),
        ("same_text", 4, ("test", 101)),  # as a negative there
        ("near_duplicate", 3, ("test", 100)),
        ("too_long", 3, (None, None)),
    ],
)
def test_rejected_rows_name_their_partner_by_the_number_that_the_data_set_gave_it(
    tmp_path: Path, reason: str, place: int, partner: tuple[str | None, int | None]
) -> None:
    splits = scanned(tmp_path, train=TRAIN, test=TEST)
    leaving = (
        pl.read_parquet(splits["train"].path)
        .with_columns(group=pl.lit("g"), reason=pl.lit(reason), place=pl.int_range(pl.len(), dtype=pl.UInt32))
        .filter(pl.col("place") == place)
    )
    near = pl.DataFrame(
        {"place": [3, 3], "split": ["test", "test"], "partner": [1, 0]},
        schema={"place": pl.UInt32, "split": pl.String, "partner": pl.UInt32},
    )
    found = rejected_rows.find(leaving, splits["train"], [splits["test"]], near)
    assert found.select("row", "query", "reason").rows() == [(100 + place, TRAIN[place][0], reason)]
    assert found.select("partner_split", "partner_row").row(0) == partner
