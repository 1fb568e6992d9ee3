"""What quantized vectors cost and lose, against sentence-transformers' own search and by hand."""

import time

import faiss
import numpy as np
import pytest
import torch
from sentence_transformers.util.quantization import quantize_embeddings, semantic_search_faiss

from pipeline.records import HeldOut, Precision, StoredVectors
from pipeline.stages.evaluate.quantization import (
    VectorFormat,
    bytes_per_vector,
    many,
    quantized,
    recommend,
    search_ms,
    stored_vectors,
)
from pipeline.stages.evaluate.retrieval import cut


def unit(rows: int, dim: int, seed: int) -> torch.Tensor:
    return cut(
        torch.from_numpy(np.random.default_rng(seed).standard_normal((rows, dim), dtype=np.float32)), dim
    )


@pytest.mark.parametrize(
    ("dim", "precision", "wanted"),
    [(1024, "float32", 4096), (1024, "int8", 1024), (1024, "binary", 128), (12, "binary", 2)],
)
def test_precision_counts_bytes(dim: int, precision: Precision, wanted: int) -> None:
    assert bytes_per_vector(dim, precision) == wanted
    stored = quantize_embeddings(unit(3, dim, 0).numpy(), precision)
    assert np.asarray(stored).nbytes == 3 * wanted


def test_precision_int8_orders_as_dequantized_documents_do() -> None:
    queries, documents = unit(20, 24, 0), unit(300, 24, 1)
    ranges = np.stack([documents.numpy().min(axis=0), documents.numpy().max(axis=0)])
    codes = np.asarray(quantize_embeddings(documents.numpy(), "int8", ranges=ranges)).astype(np.float64)
    restored = (codes + 128) * (ranges[1] - ranges[0]) / 255 + ranges[0]
    wanted = queries.numpy().astype(np.float64) @ restored.T
    left, right = quantized(queries, documents, "int8")
    found = (left @ right.T).numpy()
    # Up to what every document of a query has alike.
    assert np.ptp(wanted - found, axis=1).max() < 1e-5
    assert np.abs(restored - documents.numpy()).max() < 0.01


def test_precision_binary_orders_as_faiss_does() -> None:
    queries, documents = unit(10, 20, 2), unit(200, 20, 3)
    left, right = quantized(queries, documents, "binary")
    scores = left @ right.T
    packed = [np.asarray(quantize_embeddings(one.numpy(), "ubinary")) for one in (queries, documents)]
    found, _, _ = semantic_search_faiss(
        packed[0], packed[1], corpus_precision="ubinary", top_k=200, rescore=False, output_index=True
    )
    for query, hits in enumerate(found):
        hamming = {hit["corpus_id"]: hit["score"] for hit in hits}
        for document in range(200):
            assert scores[query, document] == 20 - 2 * hamming[document]


def test_precision_of_a_single_document_is_defined() -> None:
    for precision in ("int8", "binary"):
        left, right = quantized(unit(2, 8, 0), unit(1, 8, 1), precision)
        assert (left @ right.T).isfinite().all()


@pytest.mark.parametrize("precision", ["float32", "int8", "binary"])
def test_precision_times_a_search(precision: Precision) -> None:
    vectors = many(unit(7, 12, 0), 500)
    assert vectors.shape == (500, 12)
    assert len(np.unique(vectors, axis=0)) == 500
    assert search_ms(vectors, precision) > 0
    assert search_ms(vectors[:1], precision) > 0


@pytest.mark.parametrize("precision", ["float32", "int8", "binary"])
def test_precision_times_a_search_on_one_thread_as_the_card_says(
    monkeypatch: pytest.MonkeyPatch, precision: Precision
) -> None:
    before = faiss.omp_get_max_threads()
    seen = []

    def clock() -> float:
        seen.append(faiss.omp_get_max_threads())
        return float(len(seen))

    monkeypatch.setattr(time, "perf_counter", clock)
    search_ms(np.ones((100, 64), np.float32), precision)
    assert set(seen) == {1}
    assert faiss.omp_get_max_threads() == before


def test_precision_stored_vectors_hold_quality_bytes_and_time() -> None:
    quality: dict[VectorFormat, dict[HeldOut, float]] = {
        VectorFormat(8, "float32"): {"dev": 0.9, "test": 0.8},
        VectorFormat(8, "binary"): {"dev": 0.5, "test": 0.4},
        VectorFormat(4, "float32"): {"dev": 0.7, "test": 0.6},
    }
    found = stored_vectors(quality, unit(5, 8, 0), 50)
    assert [VectorFormat(one.dim, one.precision) for one in found] == list(quality)
    assert (found[1].ndcg10, found[1].bytes_per_vector) == ({"dev": 0.5, "test": 0.4}, 1)


def vectors(dim: int, precision: Precision, dev: float, test: float) -> StoredVectors:
    return StoredVectors(
        dim=dim,
        precision=precision,
        ndcg10={"dev": dev, "test": test},
        bytes_per_vector=bytes_per_vector(dim, precision),
        search_ms=1.0,
    )


def test_precision_choice_is_made_on_dev_and_reported_on_test() -> None:
    found = [
        vectors(16, "float32", 0.90, 0.80),
        vectors(16, "int8", 0.895, 0.70),
        vectors(8, "float32", 0.89, 0.99),
        vectors(8, "int8", 0.88, 0.99),
    ]
    # 16 bytes; 32 of the third, which also holds.
    assert recommend(found, ("dev", "test"), 0.01) == found[1]


def test_precision_choice_without_any_loss_is_the_best() -> None:
    found = [vectors(16, "float32", 0.90, 0.80), vectors(16, "int8", 0.89, 0.70)]
    assert recommend(found, ("dev", "test"), 0.0) == found[0]


def test_precision_choice_of_equal_bytes_is_the_better() -> None:
    found = [vectors(32, "int8", 0.90, 0.1), vectors(8, "float32", 0.899, 0.9)]
    assert recommend(found, ("dev", "test"), 0.05) == found[0]
