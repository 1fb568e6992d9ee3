"""Scoring a split against sentence-transformers' own `encode` and `TripletEvaluator`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.evaluation import TripletEvaluator
from sentence_transformers.sentence_transformer.modules import BoW

from pipeline.embedding.encode import TripletScores, encode, score_triplets
from tests.support import tiny

DIMS = (16, 8, 4, 2)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.save_encoder(tmp_path_factory.mktemp("encoder"), dropout=0.1)


def split(rows: int) -> list[list[str]]:
    draw = np.random.default_rng(0)
    return [
        [tiny.text(draw.integers(0, 40, draw.integers(1, 30)).tolist()) for _ in range(rows)]
        for _ in range(3)
    ]


PROMPTS = [(None, None), ("w1 : ", "w2 w3 : "), ("w1 : ", "w1 : ")]


@pytest.mark.parametrize(("query_prompt", "document_prompt"), PROMPTS)
@pytest.mark.parametrize("include_prompt", [True, False])
@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_score_triplets_reproduces_triplet_evaluator(
    encoder: Path, pooling: str, include_prompt: bool, query_prompt: str | None, document_prompt: str | None
) -> None:
    model = tiny.load(encoder, pooling=pooling, include_prompt=include_prompt, normalize=True)
    model.prompts = {"query": query_prompt or "", "document": document_prompt or ""}
    queries, positives, negatives = split(80)
    scores = score_triplets(
        model,
        queries,
        positives,
        [negatives],
        DIMS,
        query_prompt=query_prompt,
        document_prompt=document_prompt,
    )
    assert scores.negative is not None
    assert scores.positive.shape == scores.negative.shape == (4, 80)
    assert scores.positive.dtype == np.float32
    for dim in DIMS:
        evaluator = TripletEvaluator(queries, positives, negatives, truncate_dim=dim, batch_size=32)
        assert scores.accuracy()[dim] == evaluator(model)["cosine_accuracy"]


@pytest.mark.parametrize("batch_tokens", [None, 1, 50])
@pytest.mark.parametrize("prompt", [None, "w5 : "])
def test_encode_is_the_models_own_encode(encoder: Path, prompt: str | None, batch_tokens: int | None) -> None:
    model = tiny.load(encoder)
    model.train()
    texts = [*split(20)[0], "w1", "w1", tiny.text(list(range(40)))]
    ours = encode(model, texts, prompt=prompt, batch_tokens=batch_tokens)
    assert not model.training
    assert ours.dtype == torch.float32
    torch.testing.assert_close(
        ours, model.encode(texts, prompt=prompt, convert_to_tensor=True), rtol=1e-5, atol=1e-6
    )


def test_encode_encodes_equal_texts_once(encoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny.load(encoder)
    rows: list[int] = []
    forward = model.forward

    def counted(features: dict[str, Any]) -> Any:
        rows.append(len(features["input_ids"]))
        return forward(features)

    monkeypatch.setattr(model, "forward", counted)
    table = encode(model, ["w1", "w2 w3", "w1", "w1"], prompt=None)
    assert sum(rows) == 2
    assert torch.equal(table[0], table[3])


def test_encode_truncates_nothing_where_the_model_does(encoder: Path) -> None:
    model = tiny.load(encoder)
    model.truncate_dim = 4
    assert encode(model, ["w1"], prompt=None).shape == (1, tiny.WIDTH)


def test_encode_of_nothing_has_the_models_width(encoder: Path) -> None:
    assert encode(tiny.load(encoder), [], prompt=None).shape == (0, tiny.WIDTH)


def test_encode_in_bfloat16_stays_close(encoder: Path) -> None:
    model = tiny.load(encoder, normalize=True)
    texts = split(20)[0]
    exact, rounded = (encode(model, texts, prompt=None, bf16=bf16) for bf16 in (False, True))
    assert rounded.dtype == torch.float32
    assert not torch.equal(exact, rounded)
    assert float((exact * rounded).sum(dim=1).min()) > 0.99


def test_encode_takes_models_without_rows_of_tokens() -> None:
    bag = BoW(vocab=["a", "b", "c"])
    model = SentenceTransformer(modules=[bag], device="cpu")
    texts = ["a b", "c", "a b"]
    torch.testing.assert_close(encode(model, texts, prompt=None), model.encode(texts, convert_to_tensor=True))


def test_accuracy_counts_a_tie_as_a_miss() -> None:
    positive = np.array([[0.5, 0.5, 0.9]], np.float32)
    negative = np.array([[0.5, 0.4, 0.1]], np.float32)
    assert TripletScores((2,), positive, negative).accuracy() == {2: pytest.approx(2 / 3)}
