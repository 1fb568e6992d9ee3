"""The negatives of a split's rows, as training and evaluation read them."""

import polars as pl

from pipeline.records.tables import negative_columns


def columns(rows: pl.DataFrame) -> dict[str, list[str]]:
    """Return the negatives by column; none of a split of pairs.

    Every column has a text in every row, because a batch has as many documents for each of its queries: a row
    with fewer negatives than others has its own again, in turn. An evaluation that takes the nearest negative
    of a row does not see that.

    Args:
        rows: Of a clean split; each row has a first negative.

    Example:
        >>> given = {"negative": ["a", "b"], "negative_2": ["c", None], "negative_3": ["d", None]}
        >>> columns(pl.DataFrame(given))
        {'negative': ['a', 'b'], 'negative_2': ['c', 'b'], 'negative_3': ['d', 'b']}
    """
    names = negative_columns(rows.columns)
    if not names:
        return {}
    own = rows.select(pl.concat_list(names).list.drop_nulls().alias("own"))
    turns = own.select(
        pl.col("own").list.get(place % pl.col("own").list.len(), null_on_oob=True).alias(name)
        for place, name in enumerate(names)
    )
    return {name: turns[name].to_list() for name in names}
