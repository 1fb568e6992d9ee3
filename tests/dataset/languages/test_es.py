"""Spanish numbers that are written as one word."""

import pytest

from pipeline.dataset.languages import es


@pytest.mark.parametrize(
    ("word", "number"),
    [
        ("dieciséis", "16"),
        ("diecinueve", "19"),
        ("veintiuno", "21"),
        ("veintidós", "22"),
        ("veintinueve", "29"),
    ],
)
def test_word_of_a_number_is_that_number(word: str, number: str) -> None:
    import polars as pl

    (typed,) = es.typed(pl.Series([es.fold(word)]))
    assert es.PATTERNS.counted[typed] == number


def test_no_teens_are_made_that_spanish_does_not_have() -> None:
    assert not {"diecidos", "diecicinco", "un", "uno"} & es.PATTERNS.counted.keys()
