"""Ways to fold and strip letters, one text at a time and a column at once."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.dataset.languages import letters


def column(text: str) -> str:
    return str(pl.select(letters.folded(pl.lit(text))).item())


# Polars knows a newer Unicode than Python: what came since then may be put in another order.
ASSIGNED = st.characters(exclude_categories=("Cs", "Cn"))


@given(st.text(ASSIGNED, max_size=20))
@settings(max_examples=200, deadline=None)
def test_column_is_folded_as_each_of_its_texts(text: str) -> None:
    assert column(text) == letters.fold(text)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("  ﬁne\u00a0\x1cA ", "fine a"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("Ⅳ ①", "iv 1"),
        ("", ""),
    ],
)
def test_text_is_folded_by_unicode_alone(text: str, folded: str) -> None:
    assert letters.fold(text) == column(text) == folded


def test_every_apostrophe_is_the_one_of_a_typewriter() -> None:
    text = "l’eau l‘eau lʼeau l′eau"
    assert letters.plain(text) == "l'eau l'eau l'eau l'eau"
    assert pl.select(letters.plain_column(pl.lit(text))).item() == letters.plain(text)


def test_marks_are_taken_off_and_letters_stay() -> None:
    assert letters.unmarked(pl.Series(["ñandú çà é ø"])).to_list() == ["nandu ca e ø"]


@pytest.mark.parametrize(
    ("text", "joined"),
    [("1 250 000 da", "1250000 da"), ("1 2 3", "1 2 3"), ("12 3456", "12 3456"), ("a 250", "a 250")],
)
def test_digits_of_thousands_are_joined(text: str, joined: str) -> None:
    assert letters.joined_thousands(pl.Series([text])).to_list() == [joined]
