"""Two ways to fold that must be one."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.dataset.normalize import fold, folded

# Python and polars know different versions of Unicode; both know what Python's version assigns.
ASSIGNED = st.characters(exclude_categories=("Cs", "Cn"))
TURKISH = st.sampled_from(list("Iıİi̇ \t\n\x1c\x1f\x85\u00a0\u2003\u3000ŞşĞğÇçÖöÜüÂâΣσςﬁ²Å"))


def fold_column(texts: list[str]) -> list[str]:
    return pl.DataFrame({"text": texts}).select(folded(pl.col("text")))["text"].to_list()


@settings(max_examples=300, deadline=None)
@given(st.lists(st.text(ASSIGNED | TURKISH), min_size=1))
def test_folding_a_column_equals_folding_each_text(texts: list[str]) -> None:
    assert fold_column(texts) == [fold(text) for text in texts]


@settings(max_examples=200, deadline=None)
@given(st.text(ASSIGNED | TURKISH))
def test_folding_leaves_no_white_space_around_or_doubled(text: str) -> None:
    found = fold(text)
    assert found == found.strip()
    assert "  " not in found


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("KAMPANYASI ", "kampanyası"),
        ("İPTAL", "iptal"),
        ("IŞIK", "ışık"),
        ("Iğdır İzmir", "ığdır izmir"),
        ("  çok\t\n boşluk\u00a0var ", "çok boşluk var"),
        ("a\x1cb", "a b"),
        ("ﬁyat ２", "fiyat 2"),
        ("s\u0327", "ş"),
        ("I\u0307", "i"),
        ("", ""),
        (" \u2003", ""),
    ],
)
def test_folding_is_turkish(text: str, wanted: str) -> None:
    assert fold(text) == wanted
    assert fold_column([text]) == [wanted]


def test_folding_keeps_apart_what_turkish_keeps_apart() -> None:
    assert fold("SIK") != fold("SİK")
    assert fold("kar") != fold("kâr")


def test_folding_a_column_keeps_null() -> None:
    frame = pl.DataFrame({"text": ["A", None]})
    assert frame.select(folded(pl.col("text")))["text"].to_list() == ["a", None]
