"""German: ß and umlauts in their ways of writing, numbers in one word, kein and -los."""

import polars as pl

from pipeline.dataset.languages import letters
from pipeline.dataset.languages.patterns import Patterns

COUNTRIES: tuple[str, ...] = ("DE", "AT", "CH")


def fold(text: str) -> str:
    """Fold one text.

    Example:
        >>> fold("GROSSE STRASSE") == fold("große  Straße")
        True
    """
    return letters.fold(letters.plain(text))


def folded(column: pl.Expr) -> pl.Expr:
    """Fold a column of strings; equal to `fold` on every row."""
    return letters.folded(letters.plain_column(column))


def typed(folded_texts: pl.Series) -> pl.Series:
    """Write für, fuer and fur as one; so neue loses a letter, in both texts of a pair."""
    return letters.joined_thousands(letters.unmarked(folded_texts)).str.replace_all(r"([aou])e", "${1}")


_UNITS = {
    **{"ein": 1, "zwei": 2, "drei": 3, "vier": 4, "funf": 5, "sechs": 6, "sieben": 7, "acht": 8},
    "neun": 9,
}
_TENS = {
    **{"zwanzig": 20, "dreissig": 30, "vierzig": 40, "funfzig": 50, "sechzig": 60, "siebzig": 70},
    **{"achtzig": 80, "neunzig": 90},
}
PATTERNS = Patterns(
    # Not "ein", which is an article as well.
    counted={
        **{"null": "0", "zwei": "2", "zwo": "2", "drei": "3", "dritt": "3", "vier": "4", "funf": "5"},
        **{"sechs": "6", "sieben": "7", "siebt": "7", "acht": "8", "neun": "9", "zehn": "10", "elf": "11"},
        **{"zwolf": "12", "dreizehn": "13", "vierzehn": "14", "funfzehn": "15", "sechzehn": "16"},
        **{"siebzehn": "17", "achtzehn": "18", "neunzehn": "19", "hundert": "100", "tausend": "1000"},
        **{"million": "million", "milliard": "billion", "halb": "half", "erst": "1"},
        **{ten: str(number) for ten, number in _TENS.items()},
        **{f"{one}und{ten}": str(few + many) for one, few in _UNITS.items() for ten, many in _TENS.items()},
    },
    months={
        **{"januar": 1, "janner": 1, "februar": 2, "marz": 3, "april": 4, "mai": 5, "juni": 6, "juli": 7},
        **{"august": 8, "september": 9, "oktober": 10, "november": 11, "dezember": 12},
    },
    days={
        **{"montag": 1, "dienstag": 2, "mittwoch": 3, "donnerstag": 4, "freitag": 5, "samstag": 6},
        **{"sonnabend": 6, "sonntag": 7},
    },
    suffix=r"(?:s?te[rnsm]?|mal\w{0,3}|fach\w{0,2}|e[rnsm]?|s)?",
    negations=(
        r"nicht|nichts|kein\w{0,2}|nie|niemals|niemand\w{0,2}|nirgends|nein|weder|ausser|ausgenommen",
        r"un(?:moglich|gultig|begrenzt|bezahlt|verfugbar|zulassig|wirksam|sichtbar|vollstandig|notig)\w{0,3}",
        r"in(?:aktiv|korrekt)\w{0,2}|de(?:aktivier|installier)\w*|verboten\w{0,2}",
        r"ohne|\w{3,}los(?:e[rnsm]?|igkeit)?|\w{3,}frei(?:e[rnsm]?|heit)?",
    ),
    without=r"ohne|los|frei",
    roman=True,
)
