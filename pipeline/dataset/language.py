"""Which languages there are: one module each in `languages/`, and `und` for all that have none."""

from collections.abc import Sequence
from typing import Protocol

import polars as pl

from pipeline.dataset.languages import de, en, es, fr, tr, und
from pipeline.dataset.languages.patterns import Patterns


class Language(Protocol):
    """What every module in `languages/` has.

    Attributes:
        COUNTRIES: ISO 3166 codes: whose telephone and identity numbers stand in texts of this language.
        PATTERNS: Its words for numbers, dates and negations.
    """

    COUNTRIES: tuple[str, ...]
    PATTERNS: Patterns

    def fold(self, text: str) -> str:
        """Fold one text; two texts are one in this language where this gives the same for both."""

    def folded(self, column: pl.Expr) -> pl.Expr:
        """Fold a column of strings; equal to `fold` on every row, and null where there is none."""

    def typed(self, folded_texts: pl.Series) -> pl.Series:
        """Write folded texts as people type them who leave marks out; what is compared for nearness."""


UNDETERMINED = "und"
# A new language's module is entered here.
MODULES: dict[str, Language] = {"tr": tr, "en": en, "de": de, "fr": fr, "es": es, UNDETERMINED: und}


def of(folding: str) -> Language:
    """Return the module of a folding, as a ledger or a release names it.

    Raises:
        KeyError: There is no such module.
    """
    return MODULES[folding]


def foldings(languages: Sequence[str]) -> tuple[str, ...]:
    """Return the modules by which texts of some languages are folded, in their order, each once.

    Example:
        >>> foldings(["tr", "en"]), foldings(["nl", "en", "fy"])
        (('tr', 'en'), ('und', 'en'))
    """
    return tuple(dict.fromkeys(one if one in MODULES else UNDETERMINED for one in languages))


def without_module(languages: Sequence[str]) -> tuple[str, ...]:
    """Return the languages that no module knows."""
    return tuple(one for one in languages if one not in MODULES)
