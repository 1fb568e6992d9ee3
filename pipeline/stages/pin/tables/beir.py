"""Retrieval sets in BEIR's layout and pairs with scores, read into the tables that `evaluate` scores.

BEIR (Thakur et al., 2021): a corpus of `_id, title, text`, queries of `_id, text`, and qrels of `query-id,
corpus-id, score`. Files on the Hub are parquet, jsonl or tsv, and some name their columns `id`, `query_id`
and `corpus_id`.
"""

import gzip
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl

from pipeline.errors import InvalidData, first_line
from pipeline.params.pin import PairsProbe, RetrievalFiles

_BOM = b"\xef\xbb\xbf"
_READ: dict[str, Callable[[Path | bytes], pl.DataFrame]] = {
    ".parquet": lambda file: pl.read_parquet(file),
    ".jsonl": lambda file: pl.read_ndjson(file, infer_schema_length=None),
    # Ids such as 007 are text, and a quotation mark is a letter like any other.
    ".tsv": lambda file: pl.read_csv(file, separator="\t", quote_char=None, infer_schema=False),
}


def retrieval(
    folder: Path, params: RetrievalFiles, key: str, qrels_folder: Path | None = None
) -> tuple[dict[str, pl.DataFrame], int]:
    """Read a retrieval set.

    Args:
        folder: Holds the repository's files.
        params: Names them.
        key: The part of params.yaml that `params` is, for messages.
        qrels_folder: Holds the qrels, where another repository has them.

    Returns:
        `corpus` (id, text: title and text joined by a space), `queries` (id, text) and `qrels` (query,
        document, score); and how many qrels were left out because they name an id that is not there.

    Raises:
        InvalidData: A file cannot be read, lacks a column, has no rows, or all of the qrels name what is not
            there.
    """
    where = f"{params.repo} at {params.revision[:12]}"
    other = params.qrels_from
    where_qrels = where if other is None else f"{other.repo} at {other.revision[:12]}"
    corpus = _table(folder, params.corpus, where, f"{key}.corpus")
    queries = _table(folder, params.queries, where, f"{key}.queries")
    qrels = _table(qrels_folder or folder, params.qrels, where_qrels, f"{key}.qrels")
    tables = {
        "corpus": corpus.texts(title=True),
        "queries": queries.texts(title=False),
        "qrels": qrels.frame.select(
            qrels.text_column("query", "query-id", "query_id"),
            qrels.text_column("document", "corpus-id", "corpus_id"),
            qrels.number_column("score", "score"),
        ),
    }
    stated = tables["qrels"].height
    for column, known in (("query", "queries"), ("document", "corpus")):
        found = tables["qrels"].join(
            tables[known], left_on=column, right_on="id", how="semi", maintain_order="left"
        )
        if found.is_empty():
            raise InvalidData(
                f"{qrels.name} names no {column} that {getattr(params, known)} has, first "
                f"{tables['qrels'][column][0]!r}; wanted ids that are there. Correct {key}, or the data set"
            )
        tables["qrels"] = found
    if not (tables["qrels"]["score"] > 0).any():
        raise InvalidData(
            f"{qrels.name} has no score above 0; wanted at least one document that answers a query. "
            f"Correct {key}.qrels"
        )
    return tables, stated - tables["qrels"].height


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
        frame = _READ[Path(path.removesuffix(".gz")).suffix](_content(folder / path))
    except pl.exceptions.NoDataError:
        frame = pl.DataFrame()
    except (pl.exceptions.PolarsError, EOFError, OSError, ValueError, zlib.error) as error:
        raise InvalidData(f"{name} cannot be read: {first_line(error)}. Correct {key}, or the file") from None
    if frame.is_empty():
        raise InvalidData(
            f"{name} has no rows; wanted at least one. Correct {key}, or pin a commit that has some"
        )
    return _Table(frame, name, key)


def _content(path: Path) -> Path | bytes:
    """Return a file as its reader wants it: text unpacked, and without a byte order mark."""
    if path.suffix == ".parquet":
        return path
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return content.removeprefix(_BOM)


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
