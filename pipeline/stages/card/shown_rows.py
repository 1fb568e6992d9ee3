"""Which rows of the data set a card may show; never one with personal data in it."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from pipeline.dataset import personal_data
from pipeline.params.card import CardParams, policy
from pipeline.records.tables import text_columns

_LOOKED_AT = 1000


def samples(
    clean: Path,
    split: str,
    params: CardParams,
    private: bool,
    languages: Sequence[str],
    count: int = 3,
) -> list[list[str]]:
    """Return the texts of the first rows of a split that may be shown: query, positive, negatives."""
    allowed = policy(params, private)
    path = clean / f"{split}.parquet"
    if allowed == "none":
        return []
    if allowed == "approved":
        return _texts(path, params.approved_rows.get(split, ()), languages)[:count]  # type: ignore[call-overload]
    rows = pl.read_parquet(path, n_rows=_LOOKED_AT)
    return _harmless(rows, languages)[:count]


def numbered(
    clean: Path,
    split: str,
    numbers: Sequence[int],
    params: CardParams,
    private: bool,
    languages: Sequence[str],
) -> dict[int, list[str]]:
    """Return those of some rows that may be shown, by number."""
    allowed = policy(params, private)
    if allowed == "none":
        return {}
    if allowed == "approved":
        approved = params.approved_rows.get(split, ())  # type: ignore[call-overload]
        numbers = [number for number in numbers if number in approved]
    path = clean / f"{split}.parquet"
    return {number: found[0] for number in numbers if (found := _texts(path, (number,), languages))}


def _texts(path: Path, numbers: Sequence[int], languages: Sequence[str]) -> list[list[str]]:
    rows = pl.scan_parquet(path).filter(pl.col("row").is_in(list(numbers))).collect()
    return _harmless(rows, languages)


def _harmless(rows: pl.DataFrame, languages: Sequence[str]) -> list[list[str]]:
    """Return the texts of rows without personal data; an absent negative is an empty text."""
    texts = rows.select(pl.col(text_columns(rows.columns)).fill_null("")).iter_rows()
    return [list(row) for row in texts if not any(personal_data.found(text, languages) for text in row)]
