"""No language in particular: folding by Unicode's rules alone, digits alone, numbers of no country."""

import polars as pl

from pipeline.dataset.languages.letters import fold as fold
from pipeline.dataset.languages.letters import folded as folded
from pipeline.dataset.languages.patterns import Patterns

COUNTRIES: tuple[str, ...] = ()
PATTERNS = Patterns()


def typed(folded_texts: pl.Series) -> pl.Series:
    """Leave every letter as it is: which marks people leave out depends on their language."""
    return folded_texts
