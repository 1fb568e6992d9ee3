"""When two texts count as the same: where they fold to the same in any of the data set's languages.

With several languages "the same" is handed on: where one language makes A and B one, and another B and C, all
three are one. So each text has one hash per language, and texts that share one are joined.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from pipeline.dataset import language

_NOTHING = r"^[\s\p{Cc}\p{Default_Ignorable_Code_Point}]*$"


def fold(text: str, folding: str) -> str:
    """Fold one text.

    Example:
        >>> fold("  KAMPANYASI ", "tr"), fold("INVOICE", "en"), fold("STRASSE", "de")
        ('kampanyası', 'invoice', 'strasse')
    """
    return language.of(folding).fold(text)


def folded(column: pl.Expr, folding: str) -> pl.Expr:
    """Fold a column of strings; equal to `fold` on every row, and many times as fast.

    Example:
        >>> rows = pl.DataFrame({"query": ["İPTAL  ET", None]})
        >>> rows.select(folded(pl.col("query"), "tr"))["query"].to_list()
        ['iptal et', None]
    """
    return language.of(folding).folded(column)


def blank(column: pl.Expr) -> pl.Expr:
    """Return which texts of a column show nothing: white space, and what no font draws.

    That is Unicode's property Default_Ignorable_Code_Point (zero-width spaces and joiners, soft hyphens,
    byte order marks, fillers) and control characters. Beside a letter they are left alone.

    Example:
        >>> rows = pl.DataFrame({"query": ["\u200b \ufeff", "a\u200b", None]})
        >>> rows.select(blank(pl.col("query")))["query"].to_list()
        [True, False, None]
    """
    return column.str.contains(_NOTHING)


@dataclass(frozen=True)
class Sameness:
    """Which of a data set's texts are one.

    Attributes:
        foldings: Of its languages.
        merged: `key` and `into`: hashes under the first folding that another one joins with a smaller hash.
    """

    foldings: tuple[str, ...]
    merged: pl.DataFrame

    def keys(self, texts: pl.Series) -> pl.Series:
        """Return a hash per text, equal for texts that are one; null where there is no text."""
        first = _hashes(texts, self.foldings[:1]).to_series().alias(texts.name)
        return replaced(first, self.merged)


def sameness(texts: Iterable[pl.Series], foldings: Sequence[str]) -> Sameness:
    """Look at all of a data set's texts, in portions, for those that only together the foldings make one."""
    foldings = tuple(foldings)
    if len(foldings) == 1:
        return Sameness(foldings, linked(pl.DataFrame(schema={foldings[0]: pl.UInt64})))
    hashes = [_hashes(portion, foldings).unique() for portion in texts]
    return Sameness(foldings, linked(pl.concat(hashes)))


def linked(keyed: pl.DataFrame) -> pl.DataFrame:
    """Find the keys of the first column that those of other columns make one.

    Args:
        keyed: A column of keys per folding, a row per text.

    Returns:
        `key` of the first column, and `into`, the smallest first key of its component, where that is another.

    Example:
        >>> linked(pl.DataFrame({"tr": ["ıd", "id", "no"], "en": ["id", "id", "no"]})).rows()
        [('ıd', 'id')]
    """
    first, *others = keyed.columns
    nothing = pl.DataFrame(schema={"key": keyed.schema[first], "into": keyed.schema[first]})
    if not others:
        return nothing
    distinct = keyed.drop_nulls().unique(maintain_order=True)
    shared = distinct.filter(pl.any_horizontal(pl.col(name).is_duplicated() for name in others))
    if shared.is_empty():
        return nothing
    # Rows whose other keys are all their own may yet share the first.
    shared = distinct.filter(pl.col(first).is_in(shared[first].implode()))
    keys = pl.DataFrame({"key": shared[first], "label": pl.Series(_components(shared))})
    return (
        keys.with_columns(into=pl.col("key").min().over("label"))
        .filter(pl.col("key") != pl.col("into"))
        .select("key", "into")
        .unique("key", maintain_order=True)
    )


def replaced(keys: pl.Series, merged: pl.DataFrame) -> pl.Series:
    """Return keys with those that `linked` found replaced by the one that stands for all of them."""
    if merged.is_empty():
        return keys
    into = keys.to_frame("key").join(merged, on="key", how="left", maintain_order="left")["into"]
    return into.fill_null(keys).alias(keys.name)


def same(texts: pl.Series, foldings: Sequence[str]) -> pl.Series:
    """Return a folded text for each text, equal for texts that are one.

    Example:
        >>> same(pl.Series(["MY ID", "my id", "mine"]), ["tr", "en"]).to_list()
        ['my id', 'my id', 'mine']
    """
    frame = texts.to_frame("text")
    keyed = frame.select(folded(pl.col("text"), one).alias(one) for one in foldings)
    return replaced(keyed[foldings[0]], linked(keyed)).alias(texts.name)


def _hashes(texts: pl.Series, foldings: Sequence[str]) -> pl.DataFrame:
    frame = texts.to_frame("text")
    keyed = frame.select(folded(pl.col("text"), one).alias(one) for one in foldings)
    return keyed.select(pl.when(pl.col(one).is_not_null()).then(pl.col(one).hash(seed=1)) for one in foldings)


def _components(keyed: pl.DataFrame) -> "np.typing.NDArray[np.int32]":
    """Number rows so that rows share a number that have a key in common, or are joined by others so."""
    from scipy.sparse import coo_matrix  # type: ignore[import-untyped]
    from scipy.sparse.csgraph import connected_components  # type: ignore[import-untyped]

    rows, nodes, size = [], [], keyed.height
    for column in keyed.get_columns():
        codes = column.rank("dense").to_numpy().astype(np.int64) - 1
        rows.append(np.arange(keyed.height))
        nodes.append(codes + size)
        size += int(codes.max()) + 1
    ends = np.concatenate(rows), np.concatenate(nodes)
    edges = coo_matrix((np.ones(len(ends[0])), ends), shape=(size, size))
    labels: np.typing.NDArray[np.int32] = connected_components(edges, directed=False)[1][: keyed.height]
    return labels
