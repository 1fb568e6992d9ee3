"""Personal data in texts: which kinds stand in one, never the data itself.

Every kind but e-mail is asked twice, by its shape and by what only a real one satisfies: the check digits of
identity, IBAN and card numbers (python-stdnum), the number plan of telephones (phonenumbers). Telephone and
identity numbers are those of the countries that the data set's languages name. IMEI and SIM numbers are no
cards.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from functools import cache

import polars as pl
from stdnum import iban, luhn

from pipeline.dataset import identity_numbers, language, telephones
from pipeline.dataset.number_edges import BEFORE

# What every text with personal data has, and few others: an @, so many digits with at most three separators
# between two of them, or the head of an IBAN (whose account may hold letters).
_SUSPECT = (
    r"[@＠﹫]|\d(?:[\s()./+\-‐‑–]{0,3}\d){%d}"
    r"|(?:^|[^0-9A-Za-z])[A-Za-z]{2}\d{2}(?:[\s.-]?[0-9A-Za-z]){11}"
)
_TURKISH_SUSPECT = _SUSPECT % 9
_SUSPECT_ABROAD = _SUSPECT % 6 + r"|[A-Za-z]{4}\d{6}"  # which a CURP begins with

_IBAN = re.compile(r"(?<![0-9A-Za-z])[A-Za-z]{2}\d{2}(?:[ \t.-]?[0-9A-Za-z]){11,30}")
_EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%-]{1,64}@(?:[\w-]+\.)+[^\W\d_]{2,}", re.ASCII)
_AFTER_CARD = r"(?!\d|[.,:/ -]\d)"
# Sixteen digits, or American Express's fifteen. Thirteen are barcodes, other fifteen are IMEIs.
_CARD = re.compile(
    rf"{BEFORE}(?:\d{{4}}(?:[ .-]?\d{{4}}){{3}}|3[47]\d\d[ .-]?\d{{6}}[ .-]?\d{{5}}){_AFTER_CARD}", re.ASCII
)
# Visa, Mastercard (two ranges), Maestro and Discover and one of Troy's, American Express, Troy.
_ISSUER = re.compile(r"4|5[0-8]|2[2-7]|6|3[47]|9792")
KINDS = ("phone", "tckn", "identity_number", "iban", "email", "card")


def found(text: str, languages: Sequence[str]) -> tuple[str, ...]:
    """Name the kinds of personal data in a text, in the order of `KINDS`; never the data.

    Args:
        text: Any text.
        languages: Those of the data set.
    """
    text = unicodedata.normalize("NFKC", text)
    return tuple(kind for kind, asked in _asked(language.foldings(languages)).items() if asked(text))


def flagged(texts: pl.Series, languages: Sequence[str]) -> dict[int, tuple[str, ...]]:
    """Name the kinds in the texts of a column.

    A regex inside polars lets only suspects through, so that 600,000 texts take seconds.

    Args:
        texts: Strings; null is a text without personal data.
        languages: Those of the data set.

    Returns:
        The kinds by place in the column; texts without any are left out.
    """
    at_home = set(_countries(language.foldings(languages))) <= {"TR"}
    suspect = _TURKISH_SUSPECT if at_home else _SUSPECT_ABROAD
    suspects = texts.str.contains(suspect).fill_null(value=False).arg_true()
    looked_at = (
        (place, found(text, languages)) for place, text in zip(suspects, texts.gather(suspects), strict=True)
    )
    return {place: kinds for place, kinds in looked_at if kinds}


@cache
def _countries(foldings: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(country for one in foldings for country in language.of(one).COUNTRIES))


@cache
def _asked(foldings: tuple[str, ...]) -> dict[str, Callable[[str], bool]]:
    """Return what is asked of a text, by kind, where a data set's texts are folded so."""
    countries = _countries(foldings)
    asked: dict[str, Callable[[str], bool]] = {"phone": lambda text: telephones.stand_in(text, countries)}
    if "TR" in countries:
        asked["tckn"] = identity_numbers.turkish
    if set(countries) - {"TR"}:
        asked["identity_number"] = lambda text: identity_numbers.stand_in(text, countries)
    return asked | {"iban": _iban, "email": _email, "card": _card}


def _iban(text: str) -> bool:
    return any(_any_iban(re.sub(r"[^0-9A-Za-z]", "", match[0]).upper()) for match in _IBAN.finditer(text))


def _any_iban(characters: str) -> bool:
    """Try every length, because in capitals the next word looks like more of the account."""
    return any(iban.is_valid(characters[:length]) for length in range(15, len(characters) + 1))


def _email(text: str) -> bool:
    return _EMAIL.search(text) is not None


def _card(text: str) -> bool:
    written: Iterable[str] = (re.sub(r"\D", "", match[0]) for match in _CARD.finditer(text))
    return any(_ISSUER.match(digits) and luhn.is_valid(digits) for digits in written)
