"""The tables that steps leave beside their records: the columns of each, with their types and in their order.

Whoever writes a table gives it these columns; whoever reads one is told where it has others.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pipeline.errors import BrokenChain, first_line
from pipeline.records.names import HeldOut

_SLICE = "slice_"
_NEGATIVE = re.compile(r"negative(_\d+)?")


@dataclass(frozen=True)
class Table:
    """One kind of table.

    Attributes:
        columns: The type of each column, in order.
        sliced: Whether a text column per slice column of the data set follows, see `slice_column`.
    """

    columns: Mapping[str, pl.DataType | type[pl.DataType]]
    sliced: bool = False

    def shape(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return rows with exactly the columns of this table."""
        slices = [slice_column(name) for name in slice_names(rows.columns)] if self.sliced else []
        typed = {**self.columns, **dict.fromkeys(slices, pl.String)}
        return rows.select(pl.col(name).cast(kind) for name, kind in typed.items())

    def read(self, path: Path) -> pl.DataFrame:
        """Return the rows of a file.

        Raises:
            BrokenChain: The file is missing or no Parquet, or it lacks a column or has one of another type,
                because another version wrote it.
        """
        try:
            rows = pl.read_parquet(path)
        except (OSError, pl.exceptions.PolarsError) as error:
            raise BrokenChain(
                f"{path} cannot be read ({first_line(error)}); wanted the table that its step wrote. Restore "
                "it with `dvc checkout`, or run `dvc repro`"
            ) from None
        wrong = [name for name, kind in self.columns.items() if rows.schema.get(name) != kind]
        if wrong:
            found = {name: str(rows.schema.get(name, "missing")) for name in wrong}
            wanted = {name: str(self.columns[name]) for name in wrong}
            raise BrokenChain(f"{path} has the columns {found}; wanted {wanted}. Run `dvc repro`")
        return rows


def negative_column(number: int) -> str:
    """Return the column in which a split holds the negatives that come first, second, … in their rows."""
    return "negative" if number == 1 else f"negative_{number}"


def negative_columns(columns: Iterable[str]) -> list[str]:
    """Return the columns of negatives among the columns of a split, in order; none where it holds pairs."""
    found = {name: _NEGATIVE.fullmatch(name) for name in columns}
    return sorted((name for name, match in found.items() if match), key=lambda name: (len(name), name))


def text_columns(columns: Iterable[str]) -> list[str]:
    """Return the columns of texts among the columns of a split: query, positive, and the negatives."""
    return ["query", "positive", *negative_columns(columns)]


def slice_column(name: str) -> str:
    """Return the column in which a table holds a slice column of the data set."""
    return f"{_SLICE}{name}"


def slice_names(columns: Iterable[str]) -> list[str]:
    """Return the slice columns of the data set among the columns of a table."""
    return [column.removeprefix(_SLICE) for column in columns if column.startswith(_SLICE)]


@dataclass(frozen=True)
class QuerySet:
    """The queries of one search as `RETRIEVED` names them; a probe's have the name of the probe."""

    name: str
    split: HeldOut | None = None

    @classmethod
    def own(cls, split: HeldOut) -> "QuerySet":
        """Return the queries of a split, which are searched among its own documents."""
        return cls("own", split)

    @classmethod
    def service(cls) -> "QuerySet":
        """Return the queries of the user's own retrieval set."""
        return cls("service")

    def rows(self) -> pl.Expr:
        """Return which rows of the table are theirs."""
        return (pl.col("set") == self.name) & pl.col("split").eq_missing(self.split)


# One row per model, split, row and width: what the model made of the triplet, and whether the model was
# trained on something near it; null where nobody knows.
OUTCOMES = Table(
    {
        "model": pl.String,
        "split": pl.String,
        "row": pl.UInt32,
        "group": pl.String,
        "dim": pl.UInt16,
        "cos_positive": pl.Float32,
        "cos_negative": pl.Float32,
        "seen": pl.Boolean,
    }
)

# One row per model, set of queries, query, width and precision; `set` and `split` are a `QuerySet`.
RETRIEVED = Table(
    {
        "model": pl.String,
        "set": pl.String,
        "split": pl.String,
        "query": pl.String,
        "dim": pl.UInt16,
        "precision": pl.String,
        "ndcg10": pl.Float64,
        "mrr10": pl.Float64,
        "recall10": pl.Float64,
        "recall100": pl.Float64,
        "component": pl.UInt32,
        "seen": pl.Boolean,
    }
)

# One row per clean held-out row: what a verdict must know of it beside its texts.
TRAITS = Table(
    {
        "split": pl.String,
        "row": pl.UInt32,
        "group": pl.String,
        "component": pl.UInt32,
        "hard": pl.Boolean,
        "near_train": pl.Boolean,
        "new": pl.Boolean,
        "personal": pl.Boolean,
    },
    sliced=True,
)

# One row per rejected row, with the row that it is a copy, a contradiction or a near-duplicate of.
REJECTED = Table(
    {
        "split": pl.String,
        "row": pl.UInt32,
        "query": pl.String,
        "positive": pl.String,
        "negative": pl.String,
        "group": pl.String,
        "reason": pl.String,
        "partner_split": pl.String,
        "partner_row": pl.UInt32,
    }
)

# One row per row that a release was trained on, and folding; the format that releases share. Those of before
# foldings were named lack the last column.
FINGERPRINTS = Table({"key": pl.UInt64, "bands": pl.List(pl.UInt32), "folding": pl.String})
