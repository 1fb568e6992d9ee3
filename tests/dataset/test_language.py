"""What every module of a language must do, and what each of them knows."""

import random
from collections.abc import Callable
from pathlib import Path

import phonenumbers
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from pipeline.dataset import language
from pipeline.dataset.language import MODULES
from pipeline.dataset.near_duplicates import index, pairs
from pipeline.dataset.normalize import fold, folded
from pipeline.dataset.numbers_and_negation import signals
from pipeline.dataset.personal_data import found
from pipeline.dataset.training_fingerprint import RELEASED, near, trained_rows
from tests.support.workspaces import PROJECT

FOLDER = PROJECT / "pipeline" / "dataset" / "languages"
NO_LANGUAGE = {"__init__", "letters", "patterns"}
# Python and polars know different versions of Unicode; both know what Python's version assigns.
ASSIGNED = st.characters(exclude_categories=("Cs", "Cn"))
TRICKY = st.sampled_from(list("Iıİi̇ \t\n\x1c\x1f\x85\u00a0\u2003\u3000ŞşĞğÇçÖöÜüÂâΣσςßẞﬁ²ÅÉéœŒ’'ΐŉ"))
# A question and its answer, the same with one negation or number changed, and a filler that changes nothing.
TEXTS = {
    "tr": ("Faturamı 12 Mayıs'a kadar nasıl öderim", "Faturamı 13 Mayıs'a kadar nasıl öderim", "lütfen"),
    "en": ("You can cancel the contract within two weeks", "You can cancel within three weeks", "please"),
    "de": ("Der Vertrag ist bis zum 12. Mai kündbar", "Der Vertrag ist bis zum 12. Juni kündbar", "bitte"),
    "fr": ("Le contrat se résilie en deux étapes faciles", "Le contrat se résilie en trois étapes", "donc"),
    "es": ("El contrato se cancela en dos pasos sencillos", "El contrato se cancela en tres pasos", "pues"),
    "und": ("Bel 12 dagen voor het einde van het contract", "Bel 14 dagen voor het einde", "graag"),
}


def column(texts: list[str], folding: str) -> pl.Series:
    frame = pl.DataFrame({"text": texts}, schema={"text": pl.String})
    return frame.select(folded(pl.col("text"), folding))["text"]


def test_every_module_is_entered_and_has_texts_here() -> None:
    assert {path.stem for path in FOLDER.glob("*.py")} - NO_LANGUAGE == set(MODULES) == set(TEXTS)


@pytest.mark.parametrize("folding", MODULES)
def test_a_module_folds_a_column_as_it_folds_each_text(folding: str) -> None:
    @settings(max_examples=150, deadline=None)
    @given(st.lists(st.text(ASSIGNED | TRICKY), min_size=1))
    def hold(texts: list[str]) -> None:
        assert column(texts, folding).to_list() == [fold(text, folding) for text in texts]
        for text in column(texts, folding):
            assert text == text.strip()
            assert "  " not in text

    hold()
    frame = pl.DataFrame({"text": ["A", None]})
    assert frame.select(folded(pl.col("text"), folding))["text"].to_list() == ["a", None]


@pytest.mark.parametrize("folding", MODULES)
def test_a_module_makes_texts_one_that_differ_in_case_or_white_space(folding: str) -> None:
    text = TEXTS[folding][0].replace("i", "İ" if folding == "tr" else "i")
    capitals = TEXTS[folding][0].replace("i", "İ").upper() if folding == "tr" else text.upper()
    assert fold(f"  {capitals.replace(' ', chr(0xA0))}\n", folding) == fold(TEXTS[folding][0], folding)


@pytest.mark.parametrize("folding", MODULES)
def test_a_module_reads_every_word_that_it_lists(folding: str) -> None:
    patterns = language.of(folding).PATTERNS
    months = {word: f"m{number}" for word, number in patterns.months.items()}
    days = {word: f"d{number}" for word, number in patterns.days.items()}
    for word, wanted in {**patterns.counted, **months, **days, **patterns.whole}.items():
        typed = language.of(folding).typed(pl.Series([word]))
        assert typed[0] == word, "its letters are typed ones"
        assert signals(pl.Series([f"x {word} y"]), folding)[0] == wanted, word
    assert set(range(1, 13)) == set(patterns.months.values()) | {5} or not patterns.months
    assert set(range(1, 8)) == set(patterns.days.values()) or not patterns.days


@pytest.mark.parametrize("folding", MODULES)
def test_a_module_reads_digits_however_they_are_written(folding: str) -> None:
    texts = ["25,5", "25.50", "1.000", "1000", "07:30", "7:30"]
    said = signals(pl.Series(texts), folding).to_list()
    assert said[::2] == said[1::2]
    assert len(set(said)) == 3


@pytest.mark.parametrize("folding", MODULES)
def test_a_module_finds_near_duplicates_and_lets_another_meaning_alone(folding: str) -> None:
    original, other, filler = TEXTS[folding]
    held = column([original], folding)
    copies = column([f"{filler} {original}", f"{original} {filler}!"], folding)
    assert pairs(index(held, RELEASED, folding), copies).tolist() == [[0, 0], [1, 0]]
    assert not len(pairs(index(held, RELEASED, folding), column([other], folding)))
    assert signals(held, folding)[0] != signals(column([other], folding), folding)[0]


@pytest.mark.parametrize("folding", MODULES)
def test_a_module_tells_what_a_release_was_trained_on(folding: str, tmp_path: Path) -> None:
    original, other, filler = TEXTS[folding]
    trained_rows([original], [folding]).write_parquet(tmp_path / "rows.parquet")
    assert near(tmp_path / "rows.parquet", [original, f"{original} {filler}", other]).tolist() == [
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("folding", "country"), [(one, country) for one in MODULES for country in MODULES[one].COUNTRIES]
)
def test_a_module_finds_the_telephone_numbers_of_its_countries(folding: str, country: str) -> None:
    for kind in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE):
        number = phonenumbers.example_number_for_type(country, kind)
        assert number is not None
        ways = [PhoneNumberFormat.INTERNATIONAL, PhoneNumberFormat.E164]
        if len(str(number.national_number)) > 8:  # shorter ones could be a date
            ways.append(PhoneNumberFormat.NATIONAL)
        for way in ways:
            assert "phone" in found(f"x: {phonenumbers.format_number(number, way)}, y", [folding])


@pytest.mark.parametrize(
    ("folding", "one", "other"),
    [
        ("en", "you can cancel", "you can't cancel"),
        ("en", "you can cancel", "you cannot cancel"),
        ("en", "unlimited calls", "limited calls"),
        ("en", "with a contract", "without a contract"),
        ("en", "the second month", "the third month"),
        ("en", "on monday", "on tuesday"),
        ("de", "der vertrag ist kündbar", "der vertrag ist nicht kündbar"),
        ("de", "ein vertrag", "kein vertrag"),
        ("de", "mit router", "ohne router"),
        ("de", "kostenlos", "kostenpflichtig"),
        ("de", "fünfundzwanzig euro", "sechsundzwanzig euro"),
        ("fr", "le contrat est valable", "le contrat n'est pas valable"),
        ("fr", "avec engagement", "sans engagement"),
        ("fr", "en février", "en mars"),
        ("es", "se puede cancelar", "no se puede cancelar"),
        ("es", "con permanencia", "sin permanencia"),
        ("es", "veintidós días", "veintitrés días"),
        ("und", "na 3 dagen", "na 4 dagen"),
    ],
)
def test_signals_tell_a_changed_number_or_negation(folding: str, one: str, other: str) -> None:
    first, second = signals(column([one, other], folding), folding)
    assert first != second


@pytest.mark.parametrize(
    ("folding", "one", "other"),
    [
        ("en", "Don’t cancel", "do not cancel"),
        ("en", "5/12/2024", "12 May 2024"),
        ("en", "31/12/2024", "December 31 2024"),
        ("en", "twenty days", "20 days"),
        ("de", "12.05.2024", "12 Mai 2024"),
        ("de", "fünfundzwanzig", "25"),
        ("de", "1.250,50", "1250,5"),
        ("de", "die zweite Woche", "die 2. Woche"),
        ("fr", "1 250,50 €", "1250,50 €"),
        ("fr", "le deuxième mois", "le 2e mois"),
        ("fr", "L’offre n’est pas", "l'offre n'est pas"),
        ("es", "12/5/2024", "12 mayo 2024"),
        ("es", "1 250 000 euros", "1250000 euros"),
    ],
)
def test_signals_read_one_meaning_in_its_ways_of_writing(folding: str, one: str, other: str) -> None:
    first, second = signals(column([one, other], folding), folding)
    assert first == second


@pytest.mark.parametrize(
    ("folding", "one", "other"),
    [
        ("en", "naïve", "naive"),
        ("de", "für", "fuer"),
        ("de", "für", "fur"),
        ("de", "Straße", "STRASSE"),
        ("fr", "ÉTÉ", "ete"),
        ("fr", "cœur", "coeur"),
        ("es", "¿qué?", "¿que?"),
    ],
)
def test_typed_writes_one_word_in_one_way(folding: str, one: str, other: str) -> None:
    first, second = language.of(folding).typed(column([one, other], folding))
    assert first == second


def test_a_language_without_a_module_is_folded_by_unicode_alone() -> None:
    assert language.foldings(["nl", "tr", "fy"]) == ("und", "tr")
    assert language.without_module(["nl", "tr", "fy"]) == ("nl", "fy")
    assert language.without_module(["und"]) == ()


@pytest.mark.parametrize(
    ("folding", "asked"),
    [
        ("en", "How do I change the delivery address of order {}"),
        ("de", "Wie ändere ich die Lieferadresse für die Bestellung {} in der Straße"),
        ("fr", "Où puis-je modifier l’adresse de livraison à l'été pour la commande {}"),
    ],
)
def test_every_change_of_case_is_found(folding: str, asked: str) -> None:
    """As many leaks as were planted: sixty, in capitals, small letters, titles, and in any mixture."""
    draw = random.Random(1)
    texts = [asked.format(1000 + number) for number in range(60)]
    changes: list[Callable[[str], str]] = [
        str.upper,
        str.lower,
        str.title,
        lambda text: "".join(draw.choice((letter.upper(), letter.lower())) for letter in text),
    ]
    leaks = [changes[number % 4](text) for number, text in enumerate(texts)]
    assert set(column(leaks, folding)) <= set(column(texts, folding))
    assert len(set(column(leaks, folding))) == 60
