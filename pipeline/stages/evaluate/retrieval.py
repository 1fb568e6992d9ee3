"""Retrieval measures by exact search: nDCG@10, MRR@10 and recall, per query."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from pipeline.dataset.normalize import same
from pipeline.records import Retrieval
from pipeline.records.tables import negative_columns

# Scores held at a time: 64 MiB of float32, whatever the numbers of queries and documents.
CHUNK_SCORES = 1 << 24


@dataclass(frozen=True)
class Collection:
    """Queries, documents, and which documents answer which query.

    Attributes:
        ids: Name of each query: its group, or the id that a retrieval set gives it.
        queries: Their texts; every query has a relevant document.
        documents: Distinct texts, in an order that knows nothing of relevance: it decides between ties.
        query: Of each relevant pair, ascending.
        document: Of each relevant pair.
        gain: Of each relevant pair, above 0.
    """

    ids: tuple[str, ...]
    queries: tuple[str, ...]
    documents: tuple[str, ...]
    query: NDArray[np.int64]
    document: NDArray[np.int64]
    gain: NDArray[np.float64]


def collection(
    queries: dict[str, str], documents: dict[str, str], relevant: Sequence[tuple[str, str, float]]
) -> Collection:
    """Put a collection together from texts by id and (query, document, gain); only judged queries stay."""
    asked = {query for query, _, _ in relevant}
    query_place = {one: place for place, one in enumerate(name for name in queries if name in asked)}
    # By digest, so that among equal scores neither positives nor what was written first is preferred.
    order = sorted(documents, key=lambda one: hashlib.sha256(documents[one].encode()).digest())
    place = {one: number for number, one in enumerate(order)}
    pairs = sorted((query_place[query], place[document], gain) for query, document, gain in relevant)
    columns = np.array(pairs, np.float64).reshape(-1, 3)
    return Collection(
        ids=tuple(query_place),
        queries=tuple(queries[one] for one in query_place),
        documents=tuple(documents[one] for one in order),
        query=columns[:, 0].astype(np.int64),
        document=columns[:, 1].astype(np.int64),
        gain=columns[:, 2],
    )


def own_texts(rows: pl.DataFrame, foldings: Sequence[str]) -> Collection:
    """Make a collection of a split's own texts.

    One query per group; every positive of the group is relevant to it, and all positives and negatives are
    the documents. Texts that are the same under any of the foldings are one document.
    """
    queries = dict(
        rows.unique("group", keep="first", maintain_order=True).select("group", "query").iter_rows()
    )
    texts = [rows["positive"], *(rows[name] for name in negative_columns(rows.columns))]
    documents = pl.concat([one.alias("text") for one in texts]).drop_nulls().to_frame()
    documents = documents.with_columns(key=same(documents["text"], foldings))
    positives = documents["key"].head(rows.height)
    documents = documents.unique("key", keep="first", maintain_order=True)
    pairs = rows.select("group", positives, pl.lit(1.0)).unique(maintain_order=True)
    return collection(queries, dict(documents.select("key", "text").iter_rows()), list(pairs.iter_rows()))


def cut(vectors: torch.Tensor, dim: int) -> torch.Tensor:
    """Return the first `dim` numbers of each vector, at length 1."""
    return torch.nn.functional.normalize(vectors[:, :dim], dim=1)


@torch.inference_mode()
def ranks(found: Collection, queries: torch.Tensor, documents: torch.Tensor) -> NDArray[np.int64]:
    """Rank every relevant document among all documents, by inner product; from 1.

    Exact also among ties, which low precision is full of: of equal scores the earlier document comes first.

    Args:
        found: The collection.
        queries: (queries, dim), on the device that is to compute.
        documents: (documents, dim), on the same device.

    Returns:
        One rank per relevant pair.
    """
    counts = np.bincount(found.query, minlength=len(found.ids))
    starts = np.concatenate([[0], np.cumsum(counts)])
    result = np.zeros(len(found.query), np.int64)
    order = np.argsort(counts, kind="stable")  # like counts together, so that few places are padding
    places = torch.arange(len(documents), device=documents.device)
    relevant = torch.from_numpy(found.document).to(documents.device)
    size = max(1, CHUNK_SCORES // len(documents))
    for begin in range(0, len(order), size):
        chunk = order[begin : begin + size]
        scores = queries[torch.from_numpy(chunk).to(queries.device)] @ documents.T
        for number in range(int(counts[chunk].max())):
            rows = np.flatnonzero(counts[chunk] > number)
            pairs = starts[chunk[rows]] + number
            some = scores if len(rows) == len(chunk) else scores[torch.from_numpy(rows).to(scores.device)]
            own = relevant[torch.from_numpy(pairs).to(scores.device)][:, None]
            score = some.gather(1, own)
            before = (some > score).sum(dim=1) + ((some == score) & (places < own)).sum(dim=1)
            result[pairs] = before.cpu().numpy() + 1
    return result


def measures(found: Collection, rank: NDArray[np.int64]) -> pl.DataFrame:
    """Return nDCG@10 (gain over log2(rank + 1), Järvelin and Kekäläinen 2002), MRR@10 and recall per query.

    Returns:
        One row per query: query, ndcg10, mrr10, recall10, recall100.
    """
    count = len(found.ids)
    number = np.bincount(found.query, minlength=count)
    starts = np.cumsum(number) - number
    ideal = np.lexsort((-found.gain, found.query))
    ideal_rank = np.arange(len(ideal)) - starts[found.query] + 1

    def per_query(values: NDArray[np.float64]) -> NDArray[Any]:
        return np.bincount(found.query, weights=values, minlength=count)

    best = np.full(count, np.iinfo(np.int64).max)
    np.minimum.at(best, found.query, rank)
    gained = per_query(_discounted(found.gain, rank))
    return pl.DataFrame(
        {
            "query": list(found.ids),
            "ndcg10": gained / per_query(_discounted(found.gain[ideal], ideal_rank)),
            "mrr10": np.where(best <= 10, 1 / best, 0.0),
            "recall10": per_query((rank <= 10).astype(np.float64)) / number,
            "recall100": per_query((rank <= 100).astype(np.float64)) / number,
        },
        schema_overrides={"query": pl.String},
    )


def _discounted(gain: NDArray[np.float64], rank: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.where(rank <= 10, gain / np.log2(rank + 1), 0.0)


def means(per_query: pl.DataFrame, documents: int | None = None) -> Retrieval:
    """Return the means over queries, and how many documents were searched."""
    columns = ("ndcg10", "mrr10", "recall10", "recall100")
    return Retrieval(
        **{name: float(per_query[name].to_numpy().mean()) for name in columns},
        queries=per_query.height,
        documents=documents,
    )
