"""Retrieval sets in BEIR's layout and pairs with scores, read into the tables that `evaluate` scores.

BEIR (Thakur et al., 2021): a corpus of `_id, title, text`, queries of `_id, text`, and qrels of `query-id,
corpus-id, score`. Files on the Hub are parquet, jsonl or tsv, and some name their columns `id`, `query_id`
and `corpus_id`.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl

from pipeline.errors import InvalidData, first_line
from pipeline.params.pin import PairsProbe, RetrievalFiles

_READ: dict[str, Callable[[Path], pl.DataFrame]] = {
    ".parquet": lambda path: pl.read_parquet(path),
    ".jsonl": lambda path: pl.read_ndjson(path, infer_schema_length=None),
    # Ids such as 007 are text, and a quotation mark is a letter like any other.
    ".tsv": lambda path: pl.read_csv(path, separator="\t", quote_char=None, infer_schema=False),
}


def retrieval(folder: Path, params: RetrievalFiles, key: str) -> dict[str, pl.DataFrame]:
    """Read a retrieval set.

    Args:
        folder: Holds the repository's files.
        params: Names them.
        key: The part of params.yaml that `params` is, for messages.

    Returns:
        `corpus` (id, text: title and text joined by a space), `queries` (id, text) and `qrels` (query,
        document, score).

    Raises:
        InvalidData: A file cannot be read, lacks a column, has no rows, or names what is not there.
    """
    where = f"{params.repo} at {params.revision[:12]}"
    corpus = _table(folder, params.corpus, where, f"{key}.corpus")
    queries = _table(folder, params.queries, where, f"{key}.queries")
    qrels = _table(folder, params.qrels, where, f"{key}.qrels")
    tables = {
        "corpus": corpus.texts(title=True),
        "queries": queries.texts(title=False),
        "qrels": qrels.frame.select(
            qrels.text_column("query", "query-id", "query_id"),
            qrels.text_column("document", "corpus-id", "corpus_id"),
            qrels.number_column("score", "score"),
        ),
    }
    for column, known in (("query", "queries"), ("document", "corpus")):
        strangers = tables["qrels"].join(tables[known], left_on=column, right_on="id", how="anti")[column]
        if len(strangers):
            raise InvalidData(
                f"{qrels.name} names {strangers.n_unique()} ids that {getattr(params, known)} does not have, "
                f"first {strangers[0]!r}; wanted every {column} to be there. Correct {key}, or the data set"
            )
    if not (tables["qrels"]["score"] > 0).any():
        raise InvalidData(
            f"{qrels.name} has no score above 0; wanted at least one document that answers a query. "
            f"Correct {key}.qrels"
        )
    return tables


def pairs(folder: Path, params: PairsProbe, key: str) -> dict[str, pl.DataFrame]:
    """Read pairs of texts with scores.

    Returns:
        `pairs`: first, second, score.

    Raises:
        InvalidData: The file cannot be read, lacks a column, has no rows, or its scores are all equal.
    """
    table = _table(folder, params.file, f"{params.repo} at {params.revision[:12]}", key)
    found = table.frame.select(
        table.text_column("first", params.first),
        table.text_column("second", params.second),
        table.number_column("score", params.score),
    )
    if found["score"].n_unique() < 2:
        raise InvalidData(
            f"{table.name} scores every pair {found['score'][0]}; wanted scores that differ, because a rank "
            f"correlation needs an order. Correct {key}.score"
        )
    return {"pairs": found}


def _table(folder: Path, path: str, where: str, key: str) -> "_Table":
    name = f"{path} of {where}"
    try:
        frame = _READ[Path(path).suffix](folder / path)
    except pl.exceptions.NoDataError:
        frame = pl.DataFrame()
    except (pl.exceptions.PolarsError, OSError, ValueError) as error:
        raise InvalidData(f"{name} cannot be read: {first_line(error)}. Correct {key}, or the file") from None
    if frame.is_empty():
        raise InvalidData(
            f"{name} has no rows; wanted at least one. Correct {key}, or pin a commit that has some"
        )
    return _Table(frame, name, key)


class _Table:
    """One file's rows, and the words to complain about them."""

    def __init__(self, frame: pl.DataFrame, name: str, key: str) -> None:
        self.frame = frame
        self.name = name
        self.key = key

    def texts(self, *, title: bool) -> pl.DataFrame:
        """Return `id` and `text` of each row; an id names one row."""
        text = self.text_column("text", "text")
        if title and "title" in self.frame.columns:
            head = pl.col("title").cast(pl.String).str.strip_chars().fill_null("")
            text = pl.when(head != "").then(head + " " + text).otherwise(text).alias("text")
        found = self.frame.select(self.text_column("id", "_id", "id"), text)
        double = found.filter(pl.col("id").is_duplicated())["id"]
        if len(double):
            raise InvalidData(
                f"{self.name} has the id {double[0]!r} more than once; wanted each once. "
                f"Correct {self.key}, or the file"
            )
        return found

    def text_column(self, ours: str, *theirs: str) -> pl.Expr:
        """Return a column of texts; numbers, as some sets have for ids, are taken as they are written."""
        name = self._column(theirs)
        kind = self.frame.schema[name]
        if kind.is_nested() or kind.is_float():
            self._refuse(name, f"is a column of {kind}; wanted texts")
        self._no_nulls(name, self.frame[name])
        return pl.col(name).cast(pl.String).alias(ours)

    def number_column(self, ours: str, *theirs: str) -> pl.Expr:
        """Return a column of finite numbers."""
        name = self._column(theirs)
        if self.frame.schema[name].is_nested():
            self._refuse(name, f"is a column of {self.frame.schema[name]}; wanted numbers")
        self._no_nulls(name, self.frame[name])
        numbers = self.frame[name].cast(pl.Float64, strict=False)
        wrong = ~numbers.is_finite().fill_null(value=False)
        if wrong.any():
            place = int(wrong.arg_max() or 0)
            self._refuse(name, f"is {self.frame[name][place]!r} in row {place}; wanted a number")
        return pl.col(name).cast(pl.Float64).alias(ours)

    def _column(self, theirs: Sequence[str]) -> str:
        for name in theirs:
            if name in self.frame.columns:
                return name
        raise InvalidData(
            f"{self.name} has the columns {', '.join(self.frame.columns)}; "
            f"wanted {' or '.join(map(repr, theirs))} too. Correct {self.key}, or the file"
        )

    def _no_nulls(self, name: str, cells: pl.Series) -> None:
        if cells.null_count():
            self._refuse(
                name, f"is null in {cells.null_count()} rows, first in row {cells.is_null().arg_max()}"
            )

    def _refuse(self, column: str, what: str) -> None:
        raise InvalidData(f"column {column!r} of {self.name} {what}. Correct {self.key}, or the file")
