"""Pinned measures beside the splits: pairs of texts with scores, and retrieval sets."""

from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from pipeline.errors import InvalidData
from pipeline.stages.evaluate.retrieval import Collection, collection

_COLLECTION = {
    "corpus": ("id", "text"),
    "queries": ("id", "text"),
    "qrels": ("query", "document", "score"),
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


def read_probes(folder: Path, but: Container[str] = ()) -> dict[str, Pairs | Collection]:
    """Read every probe below a folder, by name.

    Args:
        folder: The probes as `pin` left them.
        but: Names of those that are tasks of mteb.
    """
    if nothing(folder):
        return {}
    return {
        path.name: read_pairs(path) if (path / "pairs.parquet").exists() else read_collection(path)
        for path in sorted(folder.iterdir())
        if path.name not in but
    }


def read_pairs(folder: Path) -> Pairs:
    """Read `pairs.parquet`: first, second, score.

    Raises:
        InvalidData: A column is missing, or all scores are one, which correlates with nothing.
    """
    path = folder / "pairs.parquet"
    table = _table(path, ("first", "second", "score"))
    different = table["score"].n_unique()
    if different < 2:
        raise InvalidData(
            f"{path}: the {table.height} pairs of the probe {folder.name} have {different} different "
            "scores; wanted at least 2, since a rank correlation with a constant is undefined. "
            f"Correct {_key(folder)}"
        )
    return Pairs(table["first"].to_list(), table["second"].to_list(), table["score"].to_list())


def read_collection(folder: Path) -> Collection:
    """Read `corpus.parquet` (id, text), `queries.parquet` (id, text) and `qrels.parquet`.

    Judgements (query, document, score) with a score above 0 are relevant, by that gain; a query without one
    is left out.

    Raises:
        InvalidData: A file or column is missing, judgements name what is not there, or no query has a
            relevant document.
    """
    tables = {name: _table(folder / f"{name}.parquet", columns) for name, columns in _COLLECTION.items()}
    queries, documents = (dict(tables[name].iter_rows()) for name in ("queries", "corpus"))
    path, judged = folder / "qrels.parquet", tables["qrels"]
    relevant = judged.filter(pl.col("score") > 0).unique(
        ["query", "document"], keep="first", maintain_order=True
    )
    for column, known in (("query", queries), ("document", documents)):
        lost = [one for one in relevant[column].to_list() if one not in known]
        if lost:
            raise InvalidData(
                f"{path}: {len(lost)} judgements name a {column} that is not there, the first {lost[0]!r}; "
                f"wanted the text of each. Correct {_key(folder)}"
            )
    if not relevant.height:
        raise InvalidData(
            f"{path}: none of {judged.height} judgements has a score above 0; wanted a relevant document "
            f"for at least one query. Correct {_key(folder)}"
        )
    return collection(queries, documents, list(relevant.iter_rows()))


def spearman(scores: ArrayLike, cosines: ArrayLike) -> float:
    """Return Spearman's rank correlation; equal values share the mean of their ranks.

    A model to which all pairs are equally alike has learnt nothing of them: 0.
    """
    first, second = (
        pl.Series(np.asarray(one, np.float64)).rank("average").to_numpy() for one in (scores, cosines)
    )
    if np.ptp(second) == 0:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])


def _table(path: Path, wanted: tuple[str, ...]) -> pl.DataFrame:
    if not path.exists():
        names = ", ".join(f"{name}.parquet" for name in _COLLECTION)
        raise InvalidData(
            f"{path} is missing; wanted {names} side by side, or pairs.parquet. Correct {_key(path.parent)}"
        )
    table = pl.read_parquet(path)
    missing = [name for name in wanted if name not in table.columns]
    if missing:
        raise InvalidData(
            f"{path} has the columns {', '.join(table.columns)}; wanted {', '.join(missing)} too. "
            f"Correct {_key(path.parent)}"
        )
    return table.select(wanted)


def _key(folder: Path) -> str:
    """Name the part of params.yaml that a pinned folder comes from."""
    key = f"probes.{folder.name}" if folder.parent.name == "probes" else "retrieval"
    return f"{key} in params.yaml"
