"""The columns of one split of a data set: checked, and named as ours."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl
from datasets import ClassLabel, Dataset, Json

from pipeline.dataset import language
from pipeline.dataset.normalize import blank, folded
from pipeline.errors import InvalidData
from pipeline.params.pin import DatasetParams
from pipeline.records.tables import negative_column


def read(source: Dataset, theirs: str, params: DatasetParams) -> pl.DataFrame:
    """Read one split of the data set: its rows' numbers, texts, slices and keys.

    The keys are hashes of the query, one per folding of `dataset.languages`, named by `key_column`: rows that
    share one are of one group. `listed` says whether the query has text, because a group of none is no group
    to hold out. Negatives stand in columns of their own, as many as the row with the most has, whether the
    data set holds them as columns or as lists: a row with fewer has nulls behind them. Else a cell may be
    null, which `audit` reports.

    Raises:
        InvalidData: A column is missing, or holds something else than strings.
    """
    names = params.columns
    wanted = [names.query, names.positive, *names.negatives]
    _refuse_missing(source, theirs, "dataset.columns", wanted, params)
    _refuse_missing(source, theirs, "dataset.slices", params.slices, params)
    table: Any = pl.from_arrow(source.data.table.select(sorted({*wanted, *params.slices})))
    for name in wanted:
        _refuse_other_than_texts(source, table.schema[name], name, theirs, lists=name in names.negatives)
    texts = {"query": table[names.query], "positive": table[names.positive]} | _negatives(
        [table[name] for name in names.negatives]
    )
    rows = pl.DataFrame(
        {name: column.cast(pl.String) for name, column in texts.items()}
        | {name: _values(source, table[name], name, theirs) for name in params.slices}
    ).with_row_index("row")
    foldings = language.foldings(params.languages)
    queries = rows.select(folded(pl.col("query"), one).alias(one) for one in foldings)
    return rows.with_columns(
        *(_hashed(queries[one], theirs).alias(key_column(one)) for one in foldings),
        listed=~blank(pl.col("query")).fill_null(value=True),
    )


def key_column(folding: str) -> str:
    """Return the column that holds the hash of a row's query, folded so."""
    return f"\x1fkey {folding}"


def unused(source: Dataset, params: DatasetParams) -> set[str]:
    """Return the columns that no step reads."""
    names = params.columns
    return set(source.column_names) - {names.query, names.positive, *names.negatives, *params.slices}


def _refuse_missing(
    source: Dataset, theirs: str, key: str, wanted: Sequence[str], params: DatasetParams
) -> None:
    missing = [name for name in wanted if name not in source.column_names]
    if missing:
        negatives = set(params.columns.negatives) & set(missing)
        pairs = ". A data set of pairs has columns.negative null" if negatives else ""
        raise InvalidData(
            f"split {theirs!r} of data set {params.repo} has the columns {', '.join(source.column_names)}; "
            f"wanted {', '.join(map(repr, missing))} too. Correct {key}{pairs}"
        )


def _refuse_other_than_texts(
    source: Dataset, kind: pl.DataType, name: str, theirs: str, *, lists: bool
) -> None:
    if kind == pl.String or (lists and kind in (pl.List(pl.String), pl.List(pl.Null))):
        return
    found = (
        one
        for one in enumerate(_cells(source, name))
        if one[1] is not None
        and not isinstance(one[1], str)
        and not (lists and isinstance(one[1], list) and all(isinstance(text, str) for text in one[1]))
    )
    first, cell = next(found, (0, None))
    if cell is None and not source.num_rows:
        return
    raise InvalidData(
        f"column {name!r} of split {theirs!r} holds {str(cell)[:60]!r}, a {type(cell).__name__}, in row "
        f"{first}; wanted strings{' or lists of strings' if lists else ''}. Correct dataset.columns, or the "
        "data set"
    )


def _negatives(columns: Sequence[pl.Series]) -> dict[str, pl.Series]:
    """Return a column for each place that negatives have in their rows."""
    if len(columns) == 1 and not columns[0].dtype.is_nested():
        return {negative_column(1): columns[0]}
    if not columns:
        return {}
    lists = [
        column.cast(pl.List(pl.String)).list.drop_nulls()
        if column.dtype.is_nested()
        else pl.select(pl.concat_list(column.cast(pl.String))).to_series().list.drop_nulls()
        for column in columns
    ]
    empty = pl.lit([], dtype=pl.List(pl.String))
    every = pl.select(pl.concat_list(pl.Series(one).fill_null(empty) for one in lists)).to_series()
    count = max(1, int(every.list.len().max() or 0))  # type: ignore[arg-type]
    return {negative_column(place + 1): every.list.get(place, null_on_oob=True) for place in range(count)}


def _values(source: Dataset, column: pl.Series, name: str, theirs: str) -> pl.Series:
    """Return the values of a slice column as texts; of a class, its name."""
    if column.dtype.is_nested():
        raise InvalidData(
            f"column {name!r} of split {theirs!r} holds {column.dtype}; wanted single values to break "
            "results down by. Correct dataset.slices"
        )
    kind = source.features[name]
    if isinstance(kind, ClassLabel) and kind.names:
        # -1 stands for a row without a class.
        classes = dict(enumerate(map(str, kind.names)))
        return column.replace_strict(classes, default=None, return_dtype=pl.String)
    return column.cast(pl.String)


def _hashed(queries: pl.Series, theirs: str) -> pl.Series:
    # No folded text holds \x1f, so that a row without a query is never in a group with one that has one.
    ids = (f"\x1f{theirs} {row}" if query is None else query for row, query in enumerate(queries))
    hashes = [hashlib.sha256(one.encode()).hexdigest()[:16] for one in ids]
    return pl.Series(hashes, dtype=pl.String)


def _cells(source: Dataset, name: str) -> Iterator[Any]:
    """Return a column's cells as they are stored: `datasets` would open the file that a picture's names."""
    decode = json.loads if isinstance(source.features[name], Json) else None
    for chunk in source.data.table[name].chunks:
        for stored in chunk:
            cell = stored.as_py()
            yield decode(cell) if decode and isinstance(cell, str) else cell
