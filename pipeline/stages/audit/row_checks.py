"""What is wrong with a split's rows by themselves, found in one pass over the file.

Of all rows only three 64-bit hashes of their folded texts are held, and a bit per finding.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pipeline.dataset import personal_data
from pipeline.dataset.normalize import Sameness, blank
from pipeline.dataset.parquet import portions
from pipeline.params.audit import AuditParams
from pipeline.records.tables import text_columns


@dataclass(frozen=True)
class ScannedSplit:
    """One split of `data/raw` as far as it is held in memory.

    Attributes:
        name: train, dev or test.
        path: Its file.
        keys: Hash of each folded text, by column; null where there is no text.
        flags: One boolean column per finding.
        personal: Rows per kind of personal data.
    """

    name: str
    path: Path
    keys: pl.DataFrame
    flags: pl.DataFrame
    personal: dict[str, int]


def scan(
    name: str, path: Path, params: AuditParams, sameness: Sameness, languages: Sequence[str]
) -> ScannedSplit:
    """Look at every row of a split.

    Args:
        name: train, dev or test.
        path: Its file.
        params: The section `audit`.
        sameness: Which texts of the data set are one.
        languages: Of the data set: whose personal data is looked for.
    """
    keys, flags = [], []
    personal: Counter[str] = Counter()
    for rows in portions(path):
        keys.append(rows.select(sameness.keys(rows[column]) for column in text_columns(rows.columns)))
        kinds = _personal(rows, languages)
        for found in kinds.values():
            personal.update(found)
        marked = pl.int_range(rows.height, eager=True).is_in(list(kinds))
        flags.append(_alone(rows, keys[-1], params.max_characters).with_columns(personal_data=marked))
    all_keys, all_flags = pl.concat(keys), pl.concat(flags)
    return ScannedSplit(
        name, path, all_keys, all_flags.with_columns(_among(all_keys)), dict(sorted(personal.items()))
    )


def _alone(rows: pl.DataFrame, keys: pl.DataFrame, max_characters: int) -> pl.DataFrame:
    """Findings that a row shows by itself; a missing text is only that.

    A row may have fewer negatives than others, and none only in a split of pairs.
    """
    columns = text_columns(keys.columns)
    negatives = columns[2:]
    query, positive = pl.col("query"), pl.col("positive")

    def any_of(found: list[pl.Expr]) -> pl.Expr:
        return pl.any_horizontal(pl.lit(False), *found)

    missing = keys.select(not_text=any_of([pl.col(column).is_null() for column in columns[:3]]))
    texts = rows.select(
        empty=any_of([blank(pl.col(column)) for column in columns]),
        too_long=any_of([pl.col(column).str.len_chars() > max_characters for column in columns]),
    )
    same = keys.select(
        same_query_positive=query == positive,
        same_query_negative=any_of([query == pl.col(column) for column in negatives]),
        same_positive_negative=any_of([positive == pl.col(column) for column in negatives]),
    )
    flags = [missing, texts.select("empty"), same, texts.select("too_long")]
    return pl.concat(flags, how="horizontal").with_columns(pl.all().fill_null(False))


def _among(keys: pl.DataFrame) -> list[pl.Series]:
    """Findings that take other rows of the split."""
    columns = text_columns(keys.columns)
    triple = keys.select(pl.struct(columns).hash(seed=2).alias("triple"))["triple"]
    whole = keys.select(pl.all_horizontal(pl.col(column).is_not_null() for column in columns[:3])).to_series()
    positives = pair(keys, "positive")
    negatives = [pair(keys, column).set(keys[column].is_null(), None) for column in columns[2:]]
    # A row whose positive is its negative contradicts nobody but itself, which is a finding of its own; rows
    # without a text say nothing.
    sides = whole
    for one in negatives:
        sides &= (positives != one).fill_null(True)
    called_positive = positives.filter(sides).implode()
    # Both rows of a contradiction are suspect: the one that calls the pair positive, and the other.
    contradiction = pl.Series([False]).new_from_index(0, keys.height)
    for one in negatives:
        contradiction |= positives.is_in(one.filter(sides).drop_nulls().implode())
        contradiction |= one.is_in(called_positive).fill_null(False)
    contradiction &= sides
    return [
        (whole & ~triple.is_first_distinct()).alias("duplicate"),
        contradiction.alias("contradiction"),
    ]


def pair(keys: pl.DataFrame, column: str) -> pl.Series:
    """Hash each row's query together with one of its documents."""
    return keys.select(pl.struct(pl.col("query"), pl.col(column).alias("document")).hash(seed=3))["query"]


def _personal(rows: pl.DataFrame, languages: Sequence[str]) -> dict[int, set[str]]:
    kinds: dict[int, set[str]] = {}
    for column in text_columns(rows.columns):
        for place, found in personal_data.flagged(rows[column], languages).items():
            kinds.setdefault(place, set()).update(found)
    return kinds
