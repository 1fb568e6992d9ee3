"""Pinned measures beside the splits: pairs of texts with scores, and retrieval sets in BEIR's layout."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from pipeline.errors import InvalidData
from pipeline.retrieval import Collection, collection

_FILES = {
    "corpus": ("_id", "text"),
    "queries": ("_id", "text"),
    "qrels": ("query-id", "corpus-id", "score"),
}


@dataclass(frozen=True)
class Pairs:
    """Pairs of texts, and how alike people found them."""

    first: list[str]
    second: list[str]
    score: list[float]


def nothing(folder: Path) -> bool:
    """Say whether a pinned folder holds nothing: params.yaml names no such thing."""
    return not folder.is_dir() or (folder / "none").exists()


def read_probes(folder: Path) -> dict[str, Pairs | Collection]:
    """Read every probe below a folder, by name."""
    if nothing(folder):
        return {}
    return {
        path.name: read_pairs(path) if (path / "pairs.parquet").exists() else read_collection(path)
        for path in sorted(folder.iterdir())
        if path.is_dir()
    }


def read_pairs(folder: Path) -> Pairs:
    """Read `pairs.parquet`: first, second, score.

    Raises:
        InvalidData: A column is missing, there are fewer than two pairs, a cell is empty, or all scores
            are one, which has no rank correlation with anything.
    """
    path = folder / "pairs.parquet"
    table = _columns(path, ("first", "second", "score"))
    try:
        table = table.select(pl.col("first", "second").cast(pl.String), pl.col("score").cast(pl.Float64))
    except pl.exceptions.PolarsError:
        raise InvalidData(
            f"{path}: the column score holds {table['score'].dtype}; wanted numbers. Correct {_key(folder)}"
        ) from None
    bad = table.filter(~pl.all_horizontal(pl.all().is_not_null()) | ~pl.col("score").is_finite()).height
    if bad:
        raise InvalidData(f"{path}: {bad} pairs lack a text or a score; wanted none. Correct {_key(folder)}")
    if table["score"].n_unique() < 2:
        raise InvalidData(
            f"{path}: the {table.height} pairs of the probe {folder.name} have {table['score'].n_unique()} "
            "different scores; wanted at least 2, since a rank correlation with a constant is undefined. "
            f"Correct {_key(folder)}"
        )
    return Pairs(table["first"].to_list(), table["second"].to_list(), table["score"].to_list())


def read_collection(folder: Path) -> Collection:
    """Read `corpus.parquet` (_id, title, text), `queries.parquet` (_id, text) and `qrels.parquet`.

    A title goes before its text, with a space between. Judgements (query-id, corpus-id, score) with a score
    above 0 are relevant, by that gain; a query without one is left out.

    Raises:
        InvalidData: A file or column is missing, ids stand twice, judgements name what is not there, or
            no query has a relevant document.
    """
    tables = {name: _columns(folder / f"{name}.parquet", columns) for name, columns in _FILES.items()}
    corpus = tables["corpus"]
    text = pl.col("text").cast(pl.String).fill_null("")
    if "title" in corpus.columns:
        text = (pl.col("title").cast(pl.String).fill_null("") + " " + text).str.strip_chars()
    documents = _by_id(
        folder / "corpus.parquet", corpus.select(pl.col("_id").cast(pl.String), text.alias("text"))
    )
    queries = _by_id(
        folder / "queries.parquet",
        tables["queries"].select(pl.col("_id", "text").cast(pl.String).fill_null("")),
    )
    judged = tables["qrels"].select(
        pl.col("query-id", "corpus-id").cast(pl.String), pl.col("score").cast(pl.Float64, strict=False)
    )
    relevant = judged.filter(pl.col("score") > 0).unique(
        ["query-id", "corpus-id"], keep="first", maintain_order=True
    )
    for column, known, where in (("query-id", queries, "queries"), ("corpus-id", documents, "corpus")):
        lost = [one for one in relevant[column].to_list() if one not in known]
        if lost:
            raise InvalidData(
                f"{folder / 'qrels.parquet'}: {column} {lost[0]!r} ({len(lost)} such judgements) is not in "
                f"{where}.parquet; wanted every judged text there. Correct {_key(folder)}"
            )
    if not relevant.height:
        raise InvalidData(
            f"{folder / 'qrels.parquet'}: none of {judged.height} judgements has a score above 0; wanted a "
            f"relevant document for at least one query. Correct {_key(folder)}"
        )
    return collection(queries, documents, list(relevant.iter_rows()))


def spearman(scores: ArrayLike, cosines: ArrayLike) -> float:
    """Give Spearman's rank correlation; equal values share the mean of their ranks.

    A model to which all pairs are equally alike has learnt nothing of them: 0.
    """
    first, second = (
        pl.Series(np.asarray(one, np.float64)).rank("average").to_numpy() for one in (scores, cosines)
    )
    if np.ptp(second) == 0:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])


def _columns(path: Path, wanted: tuple[str, ...]) -> pl.DataFrame:
    if not path.exists():
        raise InvalidData(
            f"{path} is missing; wanted {', '.join(f'{name}.parquet' for name in _FILES)} side by side, or "
            f"pairs.parquet. Correct {_key(path.parent)}"
        )
    table = pl.read_parquet(path)
    missing = [name for name in wanted if name not in table.columns]
    if missing:
        raise InvalidData(
            f"{path} has the columns {', '.join(table.columns)}; wanted {', '.join(missing)} too. "
            f"Correct {_key(path.parent)}"
        )
    return table


def _by_id(path: Path, table: pl.DataFrame) -> dict[str, str]:
    found = dict(table.iter_rows())
    if len(found) != table.height:
        raise InvalidData(
            f"{path}: {table.height - len(found)} rows have an _id that another has; wanted each once. "
            f"Correct {_key(path.parent)}"
        )
    return found


def _key(folder: Path) -> str:
    """Name the part of params.yaml that a pinned folder comes from."""
    return (
        f"probes.{folder.name} in params.yaml"
        if folder.parent.name == "probes"
        else "retrieval in params.yaml"
    )
