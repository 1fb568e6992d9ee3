"""The other row of a finding: what a rejected row is a copy, a contradiction or a near-duplicate of."""

from collections.abc import Sequence

import polars as pl

from pipeline.records.tables import REJECTED, negative_columns, text_columns
from pipeline.stages.audit.row_checks import ScannedSplit, pair


def _compared(reason: str, keys: pl.DataFrame) -> list[str]:
    """Return the columns in which a finding looks for the same text."""
    return text_columns(keys.columns) if reason == "same_text" else ["query"]


def find(
    leaving: pl.DataFrame, split: ScannedSplit, later: Sequence[ScannedSplit], near: pl.DataFrame | None
) -> pl.DataFrame:
    """Return the rows of `REJECTED`: rejected rows with their partners, null where a row needs none.

    Args:
        leaving: row, the texts, group, reason, and `place` in the split.
        split: Their split.
        later: The splits that it was compared with.
        near: Near-duplicate pairs: place, split, partner.
    """
    places = leaving["place"]
    keys = split.keys.with_row_index("partner").with_columns(split=pl.lit(split.name))
    found = []
    for (reason,), rows in leaving.group_by("reason", maintain_order=True):
        asked = rows.select("place")
        own = split.keys[rows["place"]].with_columns(asked)
        if reason == "duplicate":
            pairs = own.join(keys, on=text_columns(keys.columns), nulls_equal=True)
        elif reason == "contradiction":
            pairs = pl.concat(
                pl.DataFrame({"key": pair(own, mine), "place": asked["place"]})
                .join(keys.select("partner", "split", pair(split.keys, theirs).alias("key")), on="key")
                .select("place", "split", "partner")
                for negative in negative_columns(keys.columns)
                for mine, theirs in (("positive", negative), (negative, "positive"))
            )
        elif reason in ("same_text", "same_query"):
            pairs = pl.concat(
                own.select("place", pl.col(mine).alias("key"))
                .join(
                    other.keys.select(
                        pl.col(theirs).alias("key"),
                        pl.int_range(pl.len(), dtype=pl.UInt32).alias("partner"),
                        pl.lit(other.name).alias("split"),
                    ),
                    on="key",
                )
                .select("place", "split", "partner")
                for other in later
                for mine in _compared(reason, own)
                for theirs in _compared(reason, other.keys)
            )
        elif reason == "near_duplicate" and near is not None:
            pairs = near.filter(pl.col("place").is_in(places.implode()))
        else:
            continue
        elsewhere = (pl.col("place") != pl.col("partner")) | (pl.col("split") != split.name)
        found.append(pairs.filter(elsewhere).select("place", "split", "partner"))
    chosen = pl.concat(
        [pl.DataFrame(schema={"place": pl.UInt32, "split": pl.String, "partner": pl.UInt32}), *found]
    )
    first = chosen.sort("place", "split", "partner").unique("place", keep="first", maintain_order=True)
    numbers = {one.name: pl.read_parquet(one.path, columns=["row"])["row"] for one in (split, *later)}
    rows_of = [numbers[name][place] for name, place in first.select("split", "partner").iter_rows()]
    named = first.select("place", pl.col("split").alias("partner_split")).with_columns(
        partner_row=pl.Series(rows_of, dtype=pl.UInt32)
    )
    if "negative" not in leaving.columns:  # of pairs
        leaving = leaving.with_columns(negative=pl.lit(None, dtype=pl.String))
    rows = leaving.join(named, on="place", how="left", maintain_order="left")
    return REJECTED.shape(rows.with_columns(split=pl.lit(split.name)))
