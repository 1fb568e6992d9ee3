"""English: don't and do not, months first in dates, the numbers of seven countries."""

import polars as pl

from pipeline.dataset.languages import letters
from pipeline.dataset.languages.patterns import Patterns

COUNTRIES: tuple[str, ...] = ("US", "GB", "CA", "IE", "AU", "NZ", "IN")


def fold(text: str) -> str:
    """Fold one text.

    Example:
        >>> fold("How do I move my ID?") == fold("HOW DO I MOVE  MY ID?")
        True
        >>> fold("Don’t")
        "don't"
    """
    return letters.fold(letters.plain(text))


def folded(column: pl.Expr) -> pl.Expr:
    """Fold a column of strings; equal to `fold` on every row."""
    return letters.folded(letters.plain_column(column))


def typed(folded_texts: pl.Series) -> pl.Series:
    """Write folded texts as they are typed in a hurry: naïve and naive are one."""
    return letters.unmarked(folded_texts)


PATTERNS = Patterns(
    # Not "one", which stands for things as well.
    counted={
        **{"zero": "0", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7"},
        **{"eight": "8", "nine": "9", "ten": "10", "eleven": "11", "twelve": "12", "thirteen": "13"},
        **{"fourteen": "14", "fifteen": "15", "sixteen": "16", "seventeen": "17", "eighteen": "18"},
        **{"nineteen": "19", "twenty": "20", "thirty": "30", "forty": "40", "fifty": "50", "sixty": "60"},
        **{"seventy": "70", "eighty": "80", "ninety": "90", "hundred": "100", "thousand": "1000"},
        **{"million": "million", "billion": "billion"},
    },
    whole={
        **{"first": "1", "second": "2", "third": "3", "fifth": "5", "eighth": "8", "ninth": "9"},
        **{"twelfth": "12", "twentieth": "20", "once": "1", "twice": "2", "half": "half", "may": "m5"},
        **{"jan": "m1", "feb": "m2", "apr": "m4", "jun": "m6", "jul": "m7", "aug": "m8", "sep": "m9"},
        **{"sept": "m9", "oct": "m10", "nov": "m11", "dec": "m12"},
    },
    months={
        **{"january": 1, "february": 2, "march": 3, "april": 4, "june": 6, "july": 7, "august": 8},
        **{"september": 9, "october": 10, "november": 11, "december": 12},
    },
    days={
        **{"monday": 1, "tuesday": 2, "wednesday": 3, "thursday": 4, "friday": 5, "saturday": 6},
        "sunday": 7,
    },
    suffix=r"(?:th|s)?",
    negations=(
        r"no|not|never|none|nor|neither|cannot|nothing|nobody|nowhere|unless|except|excluding|excluded",
        r"\w+n['´`]t|(?:do|does|did|is|are|was|were|ca|wo|could|would|should|has|have|had)nt",
        r"un(?:limited|available|able|paid|locked|lock|used|block\w*|install\w*|subscrib\w*|necessary|likely)",
        r"in(?:valid|active|eligible|correct|complete|visible|secure)|im(?:possible|proper)",
        r"dis(?:abled?|allow\w*|connect\w*|continu\w*)|non\w+|non",
        r"without|\w{2,}less(?:ly)?",
    ),
    no_negation=r"nonetheless|nevertheless|regardless",
    without=r"without|less",
    roman=True,
    month_first=True,
)
