"""A data set's rows as they stand in its files: loaded offline, columns checked and named as ours."""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from datasets import Dataset, DatasetDict, Json

from pipeline.dataset.normalize import folded
from pipeline.errors import InvalidData
from pipeline.params.pin import DatasetParams
from pipeline.stages.pin import row_process
from pipeline.stages.pin.split_files import chosen
from pipeline.stages.pin.subsets import declared


@dataclass(frozen=True)
class Loaded:
    """A data set's own splits: their rows, and the files of the repository that hold them."""

    splits: DatasetDict
    files: Mapping[str, tuple[str, ...]]


def load(folder: Path, listed: Collection[str], params: DatasetParams) -> Loaded:
    """Load a data set from the files that its commit lists, with the splits that it declares itself.

    Args:
        folder: The data set's files, as the Hub lists them.
        listed: Their paths; nothing else is read, whatever the README says.
        params: The section `dataset`.

    Raises:
        InvalidData: `datasets` cannot read the files, or the README names others.
    """
    owner = f"data set {params.repo} at {params.revision[:12]}"
    subset = declared(folder, listed, owner)
    files = chosen(subset, listed, owner)
    splits = row_process.rows(folder, files, subset.features, owner)
    heights = {split: part.num_rows for split, part in splits.items()}
    wrong = {split: rows for split, rows in (subset.rows or {}).items() if heights.get(split) != rows}
    if wrong:
        split, rows = next(iter(wrong.items()))
        raise InvalidData(
            f"{owner} cannot be read: its README states {rows} rows in the split {split!r}, its files hold "
            f"{heights.get(split, 'no such split')}; wanted them equal. Pin a commit where they are"
        )
    return Loaded(splits, files.files)


def read(source: Dataset, theirs: str, params: DatasetParams) -> pl.DataFrame:
    """Read one split of the data set: its rows' numbers, texts, slices and groups.

    A cell may be null, which `audit` reports; `listed` says whether the row's query has text, because a group
    of none is no group to hold out.

    Raises:
        InvalidData: A column is missing, or holds something else than strings.
    """
    columns: dict[str, str] = params.columns.model_dump()
    for key, wanted in (("dataset.columns", columns.values()), ("dataset.slices", params.slices)):
        missing = [name for name in wanted if name not in source.column_names]
        if missing:
            raise InvalidData(
                f"split {theirs!r} of data set {params.repo} has the columns "
                f"{', '.join(source.column_names)}; wanted {', '.join(map(repr, missing))} too. Correct {key}"
            )
    table: Any = pl.from_arrow(source.data.table.select(sorted({*columns.values(), *params.slices})))
    for name in columns.values():
        if table.schema[name] != pl.String and table.height:
            cells = (
                one
                for one in enumerate(_cells(source, name))
                if one[1] is not None and not isinstance(one[1], str)
            )
            first, cell = next(cells, (0, None))
            raise InvalidData(
                f"column {name!r} of split {theirs!r} holds {str(cell)[:60]!r}, "
                f"a {type(cell).__name__}, in row {first}; wanted strings. "
                "Correct dataset.columns, or the data set"
            )
    for name in params.slices:
        if table.schema[name].is_nested():
            raise InvalidData(
                f"column {name!r} of split {theirs!r} holds {table.schema[name]}; wanted single values to "
                "break results down by. Correct dataset.slices"
            )
    texts = [pl.col(name).cast(pl.String).alias(ours) for ours, name in columns.items()]
    slices = [pl.col(name).cast(pl.String) for name in params.slices]
    rows: pl.DataFrame = table.select(*texts, *slices).with_row_index("row")
    keys = rows.select(folded(pl.col("query")).alias("key"))["key"]
    # No folded text holds \x1f, so that a row without a query is never in a group with one that has one.
    ids = (f"\x1f{theirs} {row}" if key is None else key for row, key in enumerate(keys))
    groups = [hashlib.sha256(one.encode()).hexdigest()[:16] for one in ids]
    return rows.with_columns(
        group=pl.Series(groups, dtype=pl.String), listed=(keys != "").fill_null(value=False)
    )


def _cells(source: Dataset, name: str) -> Iterator[Any]:
    """Return a column's cells as they are stored: `datasets` would open the file that a picture's names."""
    decode = json.loads if isinstance(source.features[name], Json) else None
    for chunk in source.data.table[name].chunks:
        for stored in chunk:
            cell = stored.as_py()
            yield decode(cell) if decode and isinstance(cell, str) else cell
