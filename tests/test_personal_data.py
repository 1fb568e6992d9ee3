"""Personal data is found by its checksum, and a figure of this domain is not taken for it."""

import polars as pl
import pytest

from pipeline.personal_data import flagged, found


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Bana 0532 123 45 67 numarasından ulaşın.", "phone"),
        ("tel: +90 (212) 444-1234", "phone"),
        ("5321234567'yi arayın", "phone"),
        ("yaz: ayse.yilmaz@example.com.tr", "email"),
        ("TCKN 10000000146 ile", "tckn"),
        ("TR33 0006 1005 1978 6457 8413 26 hesabına", "iban"),
        ("kart 4111 1111 1111 1111 ile", "card"),
    ],
)
def test_personal_data_is_found(text: str, kind: str) -> None:
    assert found(text) == (kind,)


@pytest.mark.parametrize(
    "text",
    [
        "Aylık 25,5 TL, 12 Şubat 2021 tarihinden itibaren.",
        "10000000147 bir kimlik numarası değil",
        "kart 4111 1111 1111 1112 yanlış",
        "TR33 0006 1005 1978 6457 8413 27 yanlış",
        "444 0 542 numaralı hat",
        "1.000.000.000 TL ve 2.500.000 kWh",
        "@ işareti, 4.5G ve 2024-2025",
        "",
    ],
)
def test_personal_data_is_not_seen_in_figures(text: str) -> None:
    assert found(text) == ()


def test_personal_data_of_a_column_is_that_of_its_texts() -> None:
    texts = ["a@b.com ve 0532 123 45 67", None, "yok", "TCKN 10000000146"]
    assert flagged(pl.Series(texts)) == {0: ("email", "phone"), 3: ("tckn",)}
