"""French: capitals without accents, elided ne, 1 250,50 with a space."""

import polars as pl

from pipeline.dataset.languages import letters
from pipeline.dataset.languages.patterns import Patterns

COUNTRIES: tuple[str, ...] = ("FR", "BE", "CH", "CA", "LU")


def fold(text: str) -> str:
    """Fold one text.

    Example:
        >>> fold("L’ÉTÉ  DERNIER") == fold("l'été dernier")
        True
    """
    return letters.fold(letters.plain(text))


def folded(column: pl.Expr) -> pl.Expr:
    """Fold a column of strings; equal to `fold` on every row."""
    return letters.folded(letters.plain_column(column))


def typed(folded_texts: pl.Series) -> pl.Series:
    """Write folded texts without accents, as capitals often are: ÉTÉ and ETE are one; so are œuf and oeuf."""
    ligatures = letters.unmarked(folded_texts).str.replace_many(["œ", "æ"], ["oe", "ae"])
    return letters.joined_thousands(ligatures)


PATTERNS = Patterns(
    # Not "un", which is an article as well.
    counted={
        **{"zero": "0", "deux": "2", "trois": "3", "quatre": "4", "quatr": "4", "cinq": "5", "cinqu": "5"},
        **{"six": "6", "sept": "7", "huit": "8", "neuf": "9", "neuv": "9", "dix": "10", "onz": "11"},
        **{"douz": "12", "treiz": "13", "quatorz": "14", "quinz": "15", "seiz": "16", "vingt": "20"},
        **{"trent": "30", "quarant": "40", "cinquant": "50", "soixant": "60", "septant": "70"},
        **{"octant": "80", "nonant": "90", "cent": "100", "mill": "1000", "million": "million"},
        **{"milliard": "billion", "demi": "half"},
    },
    whole={"premier": "1", "premiers": "1", "premiere": "1", "premieres": "1", "second": "2", "seconde": "2"},
    months={
        **{"janvier": 1, "fevrier": 2, "mars": 3, "avril": 4, "mai": 5, "juin": 6, "juillet": 7, "aout": 8},
        **{"septembre": 9, "octobre": 10, "novembre": 11, "decembre": 12},
    },
    days={
        **{"lundi": 1, "mardi": 2, "mercredi": 3, "jeudi": 4, "vendredi": 5, "samedi": 6, "dimanche": 7},
    },
    suffix=r"(?:e?s|e|iemes?|aines?)?",
    negations=(
        r"n'\w+|ne|pas|non|jamais|rien|personne|aucune?s?|nulle?s?|ni|guere|sauf|hormis|excepte\w{0,2}",
        r"in(?:valide|actif|active|correct|disponible|complet|complete|visible)\w{0,2}|im(?:possible|paye)\w{0,2}",
        r"il(?:limite|legal)\w{0,2}|des(?:activ|install|abonn)\w*|interdit\w{0,2}",
        r"sans",
    ),
    without=r"sans",
    roman=True,
)
