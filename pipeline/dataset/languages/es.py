"""Spanish: words that lose their accents in haste, no and sin, the numbers of seven countries."""

import polars as pl

from pipeline.dataset.languages import letters
from pipeline.dataset.languages.patterns import Patterns

COUNTRIES: tuple[str, ...] = ("ES", "MX", "AR", "CO", "CL", "PE", "US")


def fold(text: str) -> str:
    """Fold one text.

    Example:
        >>> fold("¿CUÁNDO  LLEGA EL NIÑO?") == fold("¿Cuándo llega el niño?")
        True
    """
    return letters.fold(letters.plain(text))


def folded(column: pl.Expr) -> pl.Expr:
    """Fold a column of strings; equal to `fold` on every row."""
    return letters.folded(letters.plain_column(column))


def typed(folded_texts: pl.Series) -> pl.Series:
    """Write folded texts without accents, as they are typed in haste: qué and que are one."""
    return letters.joined_thousands(letters.unmarked(folded_texts))


_AFTER_TWENTY = {
    **{"un": 1, "uno": 1, "una": 1, "dos": 2, "tres": 3, "cuatro": 4, "cinco": 5, "seis": 6},
    **{"siete": 7, "ocho": 8, "nueve": 9},
}
PATTERNS = Patterns(
    # Not "un" and "uno", which are articles and pronouns as well.
    counted={
        **{"cero": "0", "dos": "2", "tres": "3", "cuatro": "4", "cinco": "5", "seis": "6", "siete": "7"},
        **{"ocho": "8", "nueve": "9", "diez": "10", "once": "11", "doce": "12", "trece": "13"},
        **{"catorce": "14", "quince": "15", "veinte": "20", "treinta": "30", "cuarenta": "40"},
        **{"cincuenta": "50", "sesenta": "60", "setenta": "70", "ochenta": "80", "noventa": "90"},
        **{"cien": "100", "ciento": "100", "millon": "million", "medi": "half"},
        **{f"dieci{word}": f"1{number}" for word, number in _AFTER_TWENTY.items() if number > 5},
        **{f"veinti{word}": f"2{number}" for word, number in _AFTER_TWENTY.items()},
    },
    whole={
        **{"mil": "1000", "miles": "1000", "primer": "1", "primero": "1", "primera": "1", "segundo": "2"},
        **{"segunda": "2", "tercer": "3", "tercero": "3", "tercera": "3", "cuarto": "4", "quinto": "5"},
    },
    months={
        **{"enero": 1, "febrero": 2, "marzo": 3, "abril": 4, "mayo": 5, "junio": 6, "julio": 7, "agosto": 8},
        **{"septiembre": 9, "setiembre": 9, "octubre": 10, "noviembre": 11, "diciembre": 12},
    },
    days={
        **{"lunes": 1, "martes": 2, "miercoles": 3, "jueves": 4, "viernes": 5, "sabado": 6, "domingo": 7},
    },
    suffix=r"(?:e?s|[oa]s?)?",
    negations=(
        r"no|nunca|jamas|nada|nadie|ningun\w{0,2}|tampoco|ni|salvo|excepto",
        r"in(?:valid|activ|correct|disponible|complet|visible)\w{0,2}|im(?:posible|pagad)\w{0,2}",
        r"i(?:limitad|legal)\w{0,2}|des(?:activ|instal|habilit|bloque)\w*|prohibid\w{0,2}",
        r"sin",
    ),
    without=r"sin",
    roman=True,
)
