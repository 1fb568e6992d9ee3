"""What stands in two splits is found by text, by query and by nearness, in any of the languages."""

from pathlib import Path

import polars as pl

from pipeline.dataset.training_fingerprint import RELEASED
from pipeline.stages.audit import leakage
from tests.support.scanned import Row, scanned

LONG = "how do i move my telephone number to another operator without losing it"


def test_leakage_tells_same_text_same_query_and_near_duplicate_apart(tmp_path: Path) -> None:
    splits = scanned(
        tmp_path,
        train=[
            ("WHERE IS MY BILL", "p0", "n0"),
            ("other", "It  is in the app", "n1"),
            (f"{LONG} please", "p2", "n2"),
            ("nothing like it", "p3", "n3"),
        ],
        test=[("where is my bill", "it is in the app", "x"), (LONG, "go to a shop", "y")],
    )
    found, pairs = leakage.cross(splits["train"], [splits["test"]], RELEASED, ["en"])
    assert found.flags.select("same_text", "same_query", "near_duplicate").rows() == [
        (True, True, False),
        (True, False, False),
        (False, False, True),
        (False, False, False),
    ]
    assert pairs.rows() == [(2, "test", 1)]


def test_leakage_finds_what_only_one_of_two_languages_makes_one(tmp_path: Path) -> None:
    rows: dict[str, list[Row]] = {"train": [("MY LIMIT", "p", "n")], "test": [("my limit", "q", "m")]}
    for languages, same in ((("tr",), False), (("tr", "en"), True)):
        splits = scanned(tmp_path, languages, **rows)
        found, _ = leakage.cross(splits["train"], [splits["test"]], RELEASED, languages)
        assert found.flags["same_query"].to_list() == [same]


def test_leakage_says_which_test_rows_a_trained_row_is_near_and_a_dropped_one_is_not(tmp_path: Path) -> None:
    splits = scanned(
        tmp_path,
        train=[(f"{LONG} please", "p", "n"), ("a", "go to a shop", "n")],
        test=[(LONG, "u", "x"), ("v", "go to a shop", "y"), ("w", "z", "go to a shop")],
    )
    train, pairs = leakage.cross(splits["train"], [splits["test"]], RELEASED, ["en"])
    for kept, near in (([True, True], [True, True, False]), ([False, True], [False, True, False])):
        found = leakage.near_train(splits["test"], train, pl.Series(kept), pairs)
        assert found.to_list() == near  # a negative says nothing of what was learnt to be right


def test_leakage_counts_no_missing_text_as_the_same(tmp_path: Path) -> None:
    splits = scanned(tmp_path, train=[(None, None, "n")], test=[(None, None, "m")])
    found, pairs = leakage.cross(splits["train"], [splits["test"]], RELEASED, ["en"])
    assert found.flags.select("same_text", "same_query", "near_duplicate").rows() == [(False, False, False)]
    assert pairs.is_empty()
