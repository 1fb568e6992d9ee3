"""What moved between two commits of a data set, by what its rows say."""

from pathlib import Path

import polars as pl
import pytest

from pipeline.preflight import moved_rows
from pipeline.preflight.moved_rows import MovedRows, SplitMoves

OLD = [("a", "1", "x"), ("b", "2", "x"), ("c", "3", "x"), ("c", "4", "x")]


def frame(rows: list[tuple[str, str, str]]) -> pl.DataFrame:
    return pl.DataFrame(rows, ["query", "positive", "negative"], orient="row").with_row_index("row")


@pytest.mark.parametrize(
    ("new", "moves"),
    [
        (OLD, (0, 0, 0)),
        (list(reversed(OLD)), (0, 0, 0)),  # where a row stands is no content
        ([*OLD, OLD[0]], (0, 0, 0)),
        ([*OLD, ("d", "5", "x")], (1, 0, 0)),
        (OLD[1:], (0, 1, 0)),
        ([("a", "1", "y"), *OLD[1:]], (0, 0, 1)),
        ([*OLD[:3], ("c", "5", "x"), ("c", "6", "x")], (1, 0, 1)),
    ],
)
def test_rows_that_moved_are_counted_by_their_texts(
    new: list[tuple[str, str, str]], moves: tuple[int, int, int]
) -> None:
    found = moved_rows.between(frame(OLD), frame(new))
    assert (found.added, found.removed, found.changed) == moves
    assert found.before + found.added - found.removed == found.after


def test_rows_that_moved_are_told_to_the_run(tmp_path: Path) -> None:
    found = MovedRows("a", "b", {"train": SplitMoves(1, 2, 3, 4, 5)}, [["train", "q", "p"]])
    moved_rows.keep(tmp_path, found)
    assert moved_rows.read(tmp_path) is None  # no workspace of DVC's
    (tmp_path / ".dvc").mkdir()
    moved_rows.keep(tmp_path, found)
    assert moved_rows.read(tmp_path) == found
    assert found.new == 4
    moved_rows.keep(tmp_path, None)
    assert moved_rows.read(tmp_path) is None
