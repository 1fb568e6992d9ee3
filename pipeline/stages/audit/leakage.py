"""What stands in two splits: the same text, the same query, or a near-duplicate of one held out."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from pipeline.dataset import near_duplicates
from pipeline.dataset.normalize import folded
from pipeline.dataset.parquet import portions
from pipeline.params.audit import NearDuplicateParams
from pipeline.records.tables import text_columns
from pipeline.stages.audit.row_checks import ScannedSplit

# Which columns near-duplicates are looked for in: a negative says nothing of what was learnt to be right.
_COMPARED = ("query", "positive")
PAIRS = {"place": pl.UInt32, "split": pl.String, "partner": pl.UInt32}


def cross(
    split: ScannedSplit, later: Sequence[ScannedSplit], params: NearDuplicateParams, foldings: Sequence[str]
) -> tuple[ScannedSplit, pl.DataFrame]:
    """Compare a split with the held-out ones behind it, which are indexed while this one streams past.

    Returns:
        The split with the flags same_text, same_query and near_duplicate, and the near-duplicate pairs:
        `place` in this split, `split` and `partner`, the place there.
    """
    texts = pl.concat(
        [other.keys[column] for other in later for column in text_columns(other.keys.columns)], rechunk=True
    ).drop_nulls()
    queries = pl.concat([other.keys["query"] for other in later])
    flags = split.keys.select(
        same_text=pl.any_horizontal(
            pl.col(column).is_in(texts.implode()) for column in text_columns(split.keys.columns)
        ),
        same_query=pl.col("query").is_in(queries.implode()),
    )
    pairs = pl.concat(_near(split, later, params, folding) for folding in foldings).unique(
        maintain_order=True
    )
    near = pl.int_range(flags.height, dtype=pl.UInt32, eager=True).is_in(pairs["place"].implode())
    flags = pl.concat([split.flags, flags.with_columns(near_duplicate=near)], how="horizontal")
    return replace(split, flags=flags.with_columns(pl.all().fill_null(False))), pairs


def _near(
    split: ScannedSplit,
    later: Sequence[ScannedSplit],
    params: NearDuplicateParams,
    folding: str,
) -> pl.DataFrame:
    held = pl.concat(
        _texts(other, rows, begin, folding).with_columns(split=pl.lit(other.name))
        for other in later
        for begin, rows in _numbered(other)
    )
    distinct = held["text"].unique(maintain_order=True)
    index = near_duplicates.index(distinct, params, folding)
    owners = held.join(pl.DataFrame({"text": distinct}).with_row_index("owner"), on="text").select(
        "owner", "split", pl.col("place").alias("partner"), pl.col("key").alias("partner_key")
    )
    found = [pl.DataFrame(schema=PAIRS)]
    for begin, rows in _numbered(split):
        asked = _texts(split, rows, begin, folding)
        own = asked["text"].unique(maintain_order=True)
        pairs = near_duplicates.pairs(index, own)
        if not len(pairs):
            continue
        matched = pl.DataFrame({"text": own.gather(pairs[:, 0]), "owner": pairs[:, 1].astype(np.uint32)})
        both = matched.join(asked, on="text").join(owners, on="owner")
        # Texts that another language makes one are no near-duplicates either.
        found.append(both.filter(pl.col("key") != pl.col("partner_key")).select("place", "split", "partner"))
    return pl.concat(found).unique(maintain_order=True)


def _numbered(split: ScannedSplit) -> Iterator[tuple[int, pl.DataFrame]]:
    begin = 0
    for rows in portions(split.path):
        yield begin, rows.select(_COMPARED)
        begin += rows.height


def _texts(split: ScannedSplit, rows: pl.DataFrame, begin: int, folding: str) -> pl.DataFrame:
    places = pl.int_range(begin, begin + rows.height, dtype=pl.UInt32, eager=True)
    return pl.concat(
        rows.select(
            text=folded(pl.col(column), folding),
            place=places,
            key=split.keys[column].slice(begin, rows.height),
        )
        for column in _COMPARED
    ).drop_nulls("text")


def near_train(held: ScannedSplit, train: ScannedSplit, kept: pl.Series, pairs: pl.DataFrame) -> pl.Series:
    """Return which held-out rows are the same as, or near, a text that is trained on.

    Args:
        held: The held-out split.
        train: The train split.
        kept: Which of train's rows are clean.
        pairs: Near-duplicate pairs of train with the held-out splits.
    """
    trained = pl.concat([train.keys[column].filter(kept) for column in _COMPARED])
    same = held.keys.select(
        pl.any_horizontal(pl.col(column).is_in(trained.implode()) for column in _COMPARED)
    )
    places = kept.arg_true().cast(pl.UInt32)
    partners = pairs.filter(pl.col("split") == held.name, pl.col("place").is_in(places.implode()))["partner"]
    near = pl.int_range(held.keys.height, dtype=pl.UInt32, eager=True).is_in(partners.implode())
    return same.to_series().fill_null(False) | near
