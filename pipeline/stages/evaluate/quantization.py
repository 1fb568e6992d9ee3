"""What stored vectors cost and lose, at every width and precision, and which to choose."""

import statistics
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import faiss
import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers.util.quantization import quantize_embeddings

from pipeline.records import HeldOut, Precision, StoredVectors

_SEARCHES = 11


class VectorFormat(NamedTuple):
    """How a vector is stored: so many of its numbers, at one precision."""

    dim: int
    precision: Precision


def bytes_per_vector(dim: int, precision: Precision) -> int:
    """Return the bytes of one stored vector, without an index's own."""
    return {"float32": 4 * dim, "int8": dim, "binary": -(-dim // 8)}[precision]


def quantized(
    queries: torch.Tensor, documents: torch.Tensor, precision: Precision
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return float32 tensors whose inner products order documents as a search at this precision does.

    `int8`: float32 queries against documents of 255 steps between the documents' own extremes, per
    dimension. `binary`: signs on both sides, by Hamming distance.

    Args:
        queries: (queries, dim), of length 1.
        documents: (documents, dim), of length 1.
        precision: Of the documents.
    """
    if precision == "float32":
        return queries, documents
    stored = documents.cpu().numpy()
    if precision == "int8":
        ranges = np.stack([stored.min(axis=0), stored.max(axis=0)])
        codes = quantize_embeddings(stored, "int8", ranges=ranges)
        # The extremes' lower ends add the same to every score of a query; the steps do not.
        steps = torch.from_numpy((ranges[1] - ranges[0]) / 255).to(queries.device)
        return queries * steps, torch.from_numpy(np.asarray(codes)).to(documents.device, torch.float32)

    def signs(vectors: NDArray[np.float32]) -> torch.Tensor:
        codes = quantize_embeddings(vectors, "ubinary")
        bits = np.unpackbits(np.asarray(codes), axis=-1, count=vectors.shape[1])
        return torch.from_numpy(bits.astype(np.float32) * 2 - 1)

    return signs(queries.cpu().numpy()).to(queries.device), signs(stored).to(documents.device)


def many(vectors: torch.Tensor, count: int) -> NDArray[np.float32]:
    """Return `count` vectors, real ones over and over with a little noise, for timing a search."""
    tiled: NDArray[np.float32] = np.resize(vectors.cpu().numpy(), (count, vectors.shape[1]))
    noise = np.random.default_rng(0).standard_normal(tiled.shape, dtype=np.float32)
    noise *= 0.01
    noise += tiled
    return noise


def search_ms(vectors: NDArray[np.float32], precision: Precision) -> float:
    """Time the exact search of one query's ten nearest, on one thread: the median of a few."""
    dim = vectors.shape[1]
    index: Any
    searched: NDArray[Any] = vectors
    if precision == "binary":
        searched = np.packbits(vectors > 0, axis=-1)
        index = faiss.IndexBinaryFlat(searched.shape[1] * 8)
    elif precision == "int8":
        index = faiss.IndexScalarQuantizer(dim, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT)
        index.train(vectors[:1000])
    else:
        index = faiss.IndexFlatIP(dim)
    index.add(searched)
    seconds = []
    threads = faiss.omp_get_max_threads()
    # A second thread is waited for: on a busy machine for a hundred times what the search takes.
    faiss.omp_set_num_threads(1)
    try:
        for place in range(_SEARCHES):
            query = searched[place % len(searched)][None, :]
            begin = time.perf_counter()
            index.search(query, min(10, len(searched)))
            seconds.append(time.perf_counter() - begin)
    finally:
        faiss.omp_set_num_threads(threads)
    return statistics.median(seconds) * 1e3


def stored_vectors(
    ndcg10: Mapping[VectorFormat, Mapping[HeldOut, float]], documents: torch.Tensor, search_vectors: int
) -> tuple[StoredVectors, ...]:
    """Put each format together: quality as measured, bytes, and search time measured here.

    Args:
        ndcg10: On own texts by split, for every format.
        documents: Vectors to make the searched ones of, at full width.
        search_vectors: How many are searched.
    """
    searched = many(documents, search_vectors)
    return tuple(
        StoredVectors(
            dim=dim,
            precision=precision,
            ndcg10=dict(quality),
            bytes_per_vector=bytes_per_vector(dim, precision),
            search_ms=search_ms(np.ascontiguousarray(searched[:, :dim]), precision),
        )
        for (dim, precision), quality in ndcg10.items()
    )


def recommend(every: Sequence[StoredVectors], splits: Sequence[HeldOut], max_loss: float) -> StoredVectors:
    """Choose the vectors of fewest bytes that lose no more than `max_loss` nDCG@10 against the best ones.

    They are chosen on dev, so that what test then says of them is not what they were chosen for; on test only
    where dev was not scored. Of equal bytes the better ones are chosen.
    """
    decides = "dev" if "dev" in splits else splits[0]
    best = max(one.ndcg10[decides] for one in every)
    return min(
        (one for one in every if one.ndcg10[decides] >= best - max_loss),
        key=lambda one: (one.bytes_per_vector, -one.ndcg10[decides], one.dim),
    )
