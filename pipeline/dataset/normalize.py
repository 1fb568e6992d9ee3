"""When two texts count as the same: after NFKC, Turkish-aware lower case and collapsed white space."""

import unicodedata

import polars as pl

# Python counts the four separators of ASCII as white space, Unicode's property does not.
_WHITE_SPACE = r"[\s\x1c-\x1f]+"
_TURKISH_CAPITALS = str.maketrans({"I": "ı", "İ": "i"})


def fold(text: str) -> str:
    """Fold one text, so that `KAMPANYASI ` and `kampanyası` are one.

    Python's lower() turns İ into i with a dot above and I into i; Turkish means i and ı.

    Example:
        >>> fold("  YURT DIŞI  PAKETİ")
        'yurt dışı paketi'
        >>> "YURT DIŞI".lower()
        'yurt dişi'
        >>> fold("KAMPANYASI ") == fold("kampanyası")
        True
    """
    text = unicodedata.normalize("NFKC", text).translate(_TURKISH_CAPITALS).lower()
    return " ".join(text.split())


def folded(column: pl.Expr) -> pl.Expr:
    """Fold a column of strings; equal to `fold` on every row, and many times as fast.

    Example:
        >>> rows = pl.DataFrame({"query": ["İPTAL  ET", None]})
        >>> rows.select(folded(pl.col("query")))["query"].to_list()
        ['iptal et', None]
    """
    return (
        column.str.normalize("NFKC")
        .str.replace_many(["I", "İ"], ["ı", "i"])
        .str.to_lowercase()
        .str.replace_all(_WHITE_SPACE, " ")
        .str.strip_chars(" ")
    )
