"""Turkish folding."""

import pytest

from pipeline.dataset.languages.tr import fold


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


def test_folding_keeps_apart_what_turkish_keeps_apart() -> None:
    assert fold("SIK") != fold("SİK")
    assert fold("kar") != fold("kâr")
