"""Ways to fold and to strip letters that several languages share."""

import unicodedata
from functools import cache

import polars as pl

# Python counts the four separators of ASCII as white space, Unicode's property does not.
_WHITE_SPACE = r"[\s\x1c-\x1f]+"
_LAST_CASED = 0x1F000  # no letter behind it has a case
_APOSTROPHES = ("’", "‘", "ʼ", "′")


def fold(text: str) -> str:
    """Fold a text by Unicode's rules alone: NFKC, casefold, collapsed white space.

    Example:
        >>> fold("  STRASSE ") == fold("Straße")
        True
    """
    # Again after casefold, which takes some letters apart.
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(folded.split())


def folded(column: pl.Expr) -> pl.Expr:
    """Fold a column of strings; equal to `fold` on characters that Python's Unicode knows."""
    cased = _cased()
    return collapsed(
        column.str.normalize("NFKC").str.replace_many(list(cased), list(cased.values())).str.normalize("NFKC")
    )


def plain(text: str) -> str:
    """Write every apostrophe as the one of a typewriter."""
    for sign in _APOSTROPHES:
        text = text.replace(sign, "'")
    return text


def plain_column(column: pl.Expr) -> pl.Expr:
    """Write every apostrophe of a column as `plain` does."""
    return column.str.replace_many(list(_APOSTROPHES), ["'"] * len(_APOSTROPHES))


def collapsed(column: pl.Expr) -> pl.Expr:
    """Leave one space where there is white space, and none at the ends."""
    return column.str.replace_all(_WHITE_SPACE, " ").str.strip_chars(" ")


def unmarked(folded_texts: pl.Series) -> pl.Series:
    """Take accents, cedillas and other marks off Latin letters."""
    return folded_texts.str.normalize("NFKD").str.replace_all(r"[\u{300}-\u{36f}]", "")


def joined_thousands(texts: pl.Series) -> pl.Series:
    """Join the digits of 1 250 000, where a language puts a space between thousands."""
    for _ in range(2):  # a match takes the digit that the next one needs
        texts = texts.str.replace_all(r"(\d) (\d{3})\b", "${1}${2}")
    return texts


@cache
def _cased() -> dict[str, str]:
    return {
        letter: letter.casefold() for letter in map(chr, range(_LAST_CASED)) if letter.casefold() != letter
    }
