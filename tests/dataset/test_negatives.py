"""A row with fewer negatives than others has its own again, so that every batch is whole."""

import polars as pl

from pipeline.dataset import negatives


def test_pairs_have_no_negatives() -> None:
    assert negatives.columns(pl.DataFrame({"query": ["a"], "positive": ["b"]})) == {}


def test_negatives_come_in_turn_where_a_row_has_fewer() -> None:
    given = {
        "negative": ["a", "d"],
        "negative_2": ["b", "e"],
        "negative_3": ["c", None],
        "negative_4": [None, None],
    }
    found = negatives.columns(pl.DataFrame(given))
    assert [list(row) for row in zip(*found.values(), strict=True)] == [
        ["a", "b", "c", "a"],
        ["d", "e", "d", "e"],
    ]


def test_negatives_are_in_the_order_of_their_numbers() -> None:
    names = ["negative", *(f"negative_{number}" for number in range(2, 12))]
    rows = pl.DataFrame({name: [name] for name in sorted(names)})
    assert list(negatives.columns(rows)) == names
