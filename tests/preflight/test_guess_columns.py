"""Splits and columns are taken by their names, then by what they hold."""

from typing import Any

import polars as pl
import pytest

from pipeline.errors import InvalidData
from pipeline.preflight.guess_columns import columns, labels, splits

WORDS = ["how do i pay my bill", "where is my sim", "can i move", "what is roaming"]
ANSWERS = ["you pay in the app", "it is in the letter", "you can, anywhere", "calls made abroad"]
WRONG = ["not on sundays", "nobody knows it", "never did, really", "apples and pears"]


def table(**named: Any) -> pl.DataFrame:
    return pl.DataFrame(named)


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (table(query=WORDS, positive=ANSWERS), ("query", "positive", None)),
        (table(anchor=WORDS, positive=ANSWERS, negative=WRONG), ("anchor", "positive", "negative")),
        (table(sentence1=WORDS, sentence2=ANSWERS, score=[1.0] * 4), ("sentence1", "sentence2", None)),
        (table(Question=WORDS, Answer=ANSWERS, id=list("abcd")), ("Question", "Answer", None)),
        (table(query=WORDS, pos=ANSWERS, negs=[[one] for one in WRONG]), ("query", "pos", "negs")),
        (
            table(
                query=WORDS, positive=ANSWERS, negative_10=WRONG, negative_2=WRONG, hard_negatives=[WRONG] * 4
            ),
            ("query", "positive", ["hard_negatives", "negative_2", "negative_10"]),
        ),
        (table(frage=WORDS, antwort=ANSWERS, falsch=WRONG), ("frage", "antwort", "falsch")),
        (table(frage=WORDS, antwort=ANSWERS, thema=["a", "a", "b", "b"]), ("frage", "antwort", None)),
    ],
)
def test_guess_columns_takes_each_for_what_it_is(found: pl.DataFrame, wanted: tuple[Any, ...]) -> None:
    chosen, _ = columns(found, "data set o/n")
    assert tuple(chosen.values()) == wanted


def test_guess_columns_refuses_what_has_no_two_texts() -> None:
    with pytest.raises(
        InvalidData, match=r"has the columns text \(String\), n \(Int64\); wanted two of texts"
    ):
        columns(table(text=WORDS, n=[1, 2, 3, 4]), "data set o/n")
    with pytest.raises(InvalidData, match="wanted a query and a positive of texts among them"):
        columns(table(query=WORDS, negative=WRONG), "data set o/n")


@pytest.mark.parametrize(
    ("rows", "wanted"),
    [
        ({"train": 9, "validation": 1, "test": 2}, ("train", "validation", "test")),
        ({"train": 9, "dev": 1, "holdout": 2}, ("train", "dev", "holdout")),
        ({"train": 9}, ("train", None, None)),
        ({"egitim": 9, "test": 2}, ("egitim", None, "test")),
    ],
)
def test_guess_columns_names_splits_or_cuts_them(rows: dict[str, int], wanted: tuple[Any, ...]) -> None:
    assert tuple(splits(rows).values()) == wanted
    with pytest.raises(InvalidData, match="has no split"):
        splits({})


def test_guess_columns_says_which_few_values_nobody_reads() -> None:
    found = table(query=WORDS, positive=ANSWERS, label=[1, 0, 1, None], topic=list("abca"), other=WRONG)
    chosen: dict[str, str | list[str] | None] = {
        "query": "query",
        "positive": "positive",
        "negative": ["other"],
    }
    assert labels(found, chosen) == "label (0, 1), topic (a, b, c)"
    assert labels(found.head(0), chosen) == ""


def test_guess_columns_says_how_a_csv_of_one_column_seems_to_be_parted() -> None:
    with pytest.raises(InvalidData, match=r"part columns by ';': say so by `sep` in README's `configs`"):
        columns(pl.DataFrame({"query;positive": ["a;b"]}), "data set o/n")
