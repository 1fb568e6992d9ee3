"""What a row shows by itself or beside its neighbours is a flag each; a split is looked at in portions."""

from pathlib import Path

import pytest

from pipeline.dataset import parquet
from pipeline.params import load
from pipeline.stages.audit import row_checks
from pipeline.stages.audit.row_checks import ScannedSplit, pair
from tests.support.scanned import Row, scanned
from tests.support.workspaces import PROJECT

ROWS: list[Row] = [
    ("q", "p", "n", None),
    ("Q ", "p", "n", None),
    ("q", "n", "p", None),
    (None, "p", "n", None),
    ("a@b.example", "p", "n", "p"),
    ("x", "X", "n", None),
    ("\u200b", "p", "n", None),
]


def scan(folder: Path, rows: list[Row]) -> ScannedSplit:
    return scanned(folder, train=rows)["train"]


def flagged(split: ScannedSplit) -> dict[str, list[int]]:
    found = {name: column.arg_true().to_list() for name, column in split.flags.to_dict().items()}
    return {name: rows for name, rows in found.items() if rows}


def test_row_checks_flag_each_finding_of_each_row(tmp_path: Path) -> None:
    found = scan(tmp_path, ROWS)
    assert flagged(found) == {
        "not_text": [3],
        "empty": [6],
        "same_query_positive": [5],
        "same_positive_negative": [4],
        "personal_data": [4],
        "duplicate": [1],
        "contradiction": [0, 1, 2],
    }
    assert found.personal == {"email": 1}
    assert found.flags.columns[:3] == ["not_text", "empty", "same_query_positive"]


def test_row_checks_are_the_same_in_any_portions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = scan(tmp_path, ROWS)
    rows = [one.slice(place, 1) for one in parquet.portions(whole.path) for place in range(one.height)]
    monkeypatch.setattr(row_checks, "portions", lambda path: iter(rows))
    again = scan(tmp_path, ROWS)
    assert flagged(again) == flagged(whole)
    assert again.keys.equals(whole.keys)


def test_row_checks_of_pairs_miss_no_negative(tmp_path: Path) -> None:
    assert flagged(scan(tmp_path, [("q", "p"), ("q", "p"), (None, "p")])) == {
        "not_text": [2],
        "duplicate": [1],
    }


def test_row_checks_call_a_text_above_the_limit_too_long(tmp_path: Path) -> None:
    most = load(PROJECT).audit.max_characters
    assert flagged(scan(tmp_path, [("q", "p" * most), ("r", "p" * (most + 1))])) == {"too_long": [1]}


def test_row_checks_hash_a_query_with_its_document(tmp_path: Path) -> None:
    keys = scan(tmp_path, ROWS).keys
    assert pair(keys, "positive")[0] == pair(keys, "negative")[2]
    assert pair(keys, "positive")[0] != pair(keys, "negative")[0]
