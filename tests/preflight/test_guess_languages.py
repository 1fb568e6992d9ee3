"""A language is known by its commonest words, or by what a card states."""

import pytest

from pipeline.preflight.guess_languages import of, stated


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Faturamı nasıl öderim ve bu tarife için ne kadar, bir bilgi yok mu", "tr"),
        ("How do I pay the bill that is in the app", "en"),
        ("Comment est-ce que je paie la facture pour le mois", "fr"),
        ("¿Cómo pago la factura de los datos para que no se corte?", "es"),
        ("zorvex 4711", "und"),
        ("", "und"),
    ],
)
def test_guess_languages_by_the_commonest_words(text: str, language: str) -> None:
    assert of([text] * 3) == language


def test_guess_languages_takes_codes_that_a_card_states() -> None:
    assert stated(["en", "Turkish", 3, "deu", None, "zh-Hant"]) == ["en", "deu"]
