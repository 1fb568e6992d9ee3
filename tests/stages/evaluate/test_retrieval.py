"""Ranks and measures against hand-computed cases and against sentence-transformers' evaluator."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from sentence_transformers.sentence_transformer.evaluation import InformationRetrievalEvaluator

from pipeline.dataset.languages.tr import fold
from pipeline.stages.evaluate import retrieval
from pipeline.stages.evaluate.retrieval import collection, cut, means, measures, own_texts, ranks
from tests.support import tiny


def test_retrieval_measures_are_those_computed_by_hand() -> None:
    # x: relevant at ranks 1, 3 and 12; y: at rank 11 only; z: the better of two at rank 2, the worse at 1.
    documents = {name: name for name in "abcd"}
    relevant = [
        ("x", "a", 1.0),
        ("x", "b", 1.0),
        ("x", "c", 1.0),
        ("y", "a", 1.0),
        ("z", "a", 3.0),
        ("z", "b", 1.0),
    ]
    found = collection({name: name for name in "xyz"}, documents, relevant)
    by_pair = {("x", "a"): 1, ("x", "b"): 3, ("x", "c"): 12, ("y", "a"): 11, ("z", "a"): 2, ("z", "b"): 1}
    rank = np.array(
        [by_pair["xyz"[q], found.documents[d]] for q, d in zip(found.query, found.document, strict=True)]
    )
    table = measures(found, rank)
    gain = [1 / math.log2(place + 1) for place in range(1, 4)]
    assert table["query"].to_list() == ["x", "y", "z"]
    assert table["ndcg10"].to_list() == pytest.approx(
        [(gain[0] + gain[2]) / sum(gain), 0.0, (gain[0] + 3 * gain[1]) / (3 * gain[0] + gain[1])]
    )
    assert table["mrr10"].to_list() == [1.0, 0.0, 1.0]
    assert table["recall10"].to_list() == pytest.approx([2 / 3, 0.0, 1.0])
    assert table["recall100"].to_list() == [1.0, 1.0, 1.0]
    assert means(table).queries == 3
    assert means(table).recall10 == pytest.approx(5 / 9)


@pytest.mark.parametrize("chunk", [1, 50, 1 << 24])
def test_retrieval_is_that_of_information_retrieval_evaluator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(retrieval, "CHUNK_SCORES", chunk)
    torch.set_num_threads(1)
    model = tiny.load(tiny.save_encoder(tmp_path), normalize=False)
    draw = np.random.default_rng(0)
    texts = [tiny.text(draw.integers(0, 40, draw.integers(1, 12)).tolist()) for _ in range(190)]
    queries = {f"q{place}": text for place, text in enumerate(texts[:40])}
    corpus: dict[str, Any] = {f"d{place}": text for place, text in enumerate(texts[40:])}
    relevant = {
        query: {f"d{number}" for number in draw.choice(150, draw.integers(1, 15), replace=False)}
        for query in list(queries)[:30]
    }
    found = collection(
        queries, corpus, [(query, one, 1.0) for query, many in relevant.items() for one in many]
    )
    assert len(found.ids) == 30
    for dim in (16, 4):
        evaluator = InformationRetrievalEvaluator(
            {query: queries[query] for query in relevant},
            corpus,
            relevant,
            mrr_at_k=[10],
            ndcg_at_k=[10],
            precision_recall_at_k=[10, 100],
            accuracy_at_k=[1],
            map_at_k=[1],
            truncate_dim=dim,
            write_csv=False,
        )
        wanted = evaluator(model)
        vectors = (model.encode(list(of), convert_to_tensor=True) for of in (found.queries, found.documents))
        per_query = measures(found, ranks(found, *(cut(one, dim) for one in vectors)))
        ours = means(per_query)
        assert 0 < ours.ndcg10 < 1
        assert ours.ndcg10 == pytest.approx(wanted["cosine_ndcg@10"], abs=1e-9)
        assert ours.mrr10 == pytest.approx(wanted["cosine_mrr@10"], abs=1e-9)
        assert ours.recall10 == pytest.approx(wanted["cosine_recall@10"], abs=1e-9)
        assert ours.recall100 == pytest.approx(wanted["cosine_recall@100"], abs=1e-9)


@pytest.mark.parametrize("chunk", [1, 30, 1 << 24])
def test_retrieval_ranks_ties_by_place_in_the_collection(monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    monkeypatch.setattr(retrieval, "CHUNK_SCORES", chunk)
    names = [f"d{number}" for number in range(12)]
    found = collection({"x": "x", "y": "y"}, {name: name for name in names}, [
        *(("x", name, 1.0) for name in names), ("y", "d3", 1.0)
    ])  # fmt: skip
    same = torch.ones(12, 3)
    rank = ranks(found, torch.ones(2, 3), same)
    assert rank[:12].tolist() == list(range(1, 13))
    assert rank[12] == found.documents.index("d3") + 1
    # The order is one of digests: what was written first is not what comes first.
    assert list(found.documents) != names


def test_retrieval_of_own_texts_takes_every_positive_of_a_group() -> None:
    rows = pl.DataFrame(
        {
            "query": ["Hat", "HAT", "paket", "iptal"],
            "positive": ["bir", "iki", "üç", "İKİ"],
            "negative": ["dört", "Bir", "iki", "üç"],
            "group": ["h", "h", "p", "i"],
        }
    )
    found = own_texts(rows, ["tr"])
    assert found.ids == ("h", "p", "i")
    assert found.queries == ("Hat", "paket", "iptal")
    assert sorted(found.documents) == ["bir", "dört", "iki", "üç"]  # folded alike: the first one stands
    relevant = {
        (found.ids[query], fold(found.documents[document]))
        for query, document in zip(found.query, found.document, strict=True)
    }
    assert relevant == {("h", "bir"), ("h", "iki"), ("p", "üç"), ("i", "iki")}
    assert set(found.gain) == {1.0}


def test_retrieval_of_one_row_finds_one_of_two() -> None:
    rows = pl.DataFrame({"query": ["a"], "positive": ["b"], "negative": ["c"], "group": ["g"]})
    found = own_texts(rows, ["tr"])
    best = torch.eye(2)[[found.documents.index("b")]]
    assert means(measures(found, ranks(found, best, torch.eye(2)))).ndcg10 == 1
    assert ranks(found, 1 - best, torch.eye(2)).tolist() == [2]
