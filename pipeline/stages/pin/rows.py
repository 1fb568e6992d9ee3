"""A data set's rows as they stand in its files: loaded offline, columns checked and named as ours."""

import hashlib
import tempfile
from pathlib import Path
from typing import Any

import polars as pl
from datasets import Dataset, DatasetDict, load_dataset
from datasets.exceptions import DatasetsError
from datasets.utils import logging as datasets_logging

from pipeline.dataset.normalize import folded
from pipeline.errors import InvalidData, first_line
from pipeline.params.pin import DatasetParams


def load(folder: Path, params: DatasetParams) -> DatasetDict:
    """Load a data set from local files only, with the splits that it declares itself.

    Raises:
        InvalidData: `datasets` cannot read the files.
    """
    datasets_logging.set_verbosity(datasets_logging.CRITICAL)  # what it logs of a bad file is said below
    with tempfile.TemporaryDirectory() as cache:
        try:
            found = load_dataset(str(folder), cache_dir=cache, keep_in_memory=True)
        except (DatasetsError, ValueError, FileNotFoundError, OSError) as error:
            cause = error.__cause__ or error
            if "corresponds to no data" in str(cause):
                raise InvalidData(
                    f"data set {params.repo} at {params.revision[:12]} has a split that has no rows "
                    f"({first_line(cause)}); wanted at least one in each. Pin a commit that has some"
                ) from None
            raise InvalidData(
                f"data set {params.repo} at {params.revision[:12]} cannot be read: "
                f"{type(cause).__name__}: {first_line(cause)}; wanted files that "
                "hold the same columns, of strings, in every split. Look at them on the Hub, "
                "and pin a commit that loads"
            ) from None
    if not isinstance(found, DatasetDict):
        raise InvalidData(f"data set {params.repo} gave {type(found).__name__}; wanted named splits")
    return found


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
                one for one in enumerate(source[name]) if one[1] is not None and not isinstance(one[1], str)
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
