"""Batches against sentence-transformers' own sampler, and what the collator makes of them."""

import time
from typing import Any

import numpy as np
import pytest
import torch
from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.sampler import NoDuplicatesBatchSampler

from pipeline.embedding.length_buckets import BlockShape
from pipeline.embedding.tokens import number_texts, tokenize
from pipeline.engine import batches
from pipeline.engine.batches import ROW_COLUMN, RowCollator, RowSampler, first_fit, largest_batch
from pipeline.params.train import BatchSampler
from tests.support import tiny


def sampler(
    texts: NDArray[np.int64],
    batch_size: int,
    *,
    seed: int = 0,
    drop_last: bool = False,
    kind: BatchSampler = "no_duplicates",
) -> Any:
    rows = Dataset.from_dict({ROW_COLUMN: list(range(texts.shape[1]))})
    given: dict[str, Any] = {"generator": torch.Generator(), "seed": seed, "texts": texts}
    return RowSampler(rows, batch_size, drop_last, **given, sampler=kind)


@st.composite
def tables(draw: st.DrawFn) -> list[list[str]]:
    """Columns of texts that repeat within and across columns."""
    rows = draw(st.integers(1, 40))
    texts = st.integers(0, draw(st.sampled_from([3, 20, 200]))).map(str)
    column = st.lists(texts, min_size=rows, max_size=rows)
    return draw(st.lists(column, min_size=1, max_size=4))


@settings(max_examples=150, deadline=None)
@given(
    columns=tables(),
    batch_size=st.integers(1, 12),
    epoch=st.integers(0, 2),
    window=st.sampled_from([1, 3, 1024]),
)
def test_first_fit_forms_the_batches_of_the_stock_sampler(
    columns: list[list[str]], batch_size: int, epoch: int, window: int
) -> None:
    data = Dataset.from_dict({f"text{i}": column for i, column in enumerate(columns)})
    stock = NoDuplicatesBatchSampler(data, batch_size, False, generator=torch.Generator(), seed=5)
    stock.set_epoch(epoch)
    texts = number_texts(columns)
    order = batches.shuffled(texts.shape[1], 5 + epoch)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "_WINDOW", window)
        ours = [batch.tolist() for batch in first_fit(order, texts, batch_size)]
    assert ours == list(stock)


@pytest.mark.parametrize("drop_last", [False, True])
def test_sampler_yields_as_many_batches_as_it_promises(drop_last: bool) -> None:
    texts = np.array([[0] * 9 + list(range(10, 31)), list(range(100, 130))])
    ours = sampler(texts, 8, drop_last=drop_last)
    taken = list(ours)
    assert len(taken) == len(ours) == (3 if drop_last else 4)
    assert ours.rows_left_out == 30 - sum(map(len, taken)) > 0


@pytest.mark.parametrize("drop_last", [False, True])
def test_sampler_of_plain_batches_takes_every_row_whatever_its_texts(drop_last: bool) -> None:
    texts = np.zeros((2, 30), np.int64)
    ours = sampler(texts, 8, drop_last=drop_last, kind="batch")
    taken = list(ours)
    assert [len(batch) for batch in taken] == [8, 8, 8] + [6] * (not drop_last)
    assert len(taken) == len(ours)
    rows = [row for batch in taken for row in batch]
    assert rows == batches.shuffled(30, 0).tolist()[: len(rows)]
    assert ours.rows_left_out == 30 - len(rows)


@pytest.mark.parametrize("kind", ["no_duplicates", "batch"])
def test_sampler_depends_on_seed_and_epoch_only(kind: BatchSampler) -> None:
    texts = np.arange(60).reshape(2, 30)
    ours = sampler(texts, 7, seed=3, kind=kind)
    first = list(ours)
    assert list(ours) == first
    ours.set_epoch(1)
    assert list(ours) != first
    assert list(ours) == list(sampler(texts, 7, seed=4, kind=kind))
    assert sorted(row for batch in first for row in batch) == list(range(30))


def test_largest_batch_is_what_the_greedy_pass_fills() -> None:
    assert largest_batch(np.array([[0, 0, 1, 2], [10, 11, 12, 13]]), seed=0) == 3
    assert largest_batch(np.array([[0, 0, 0], [1, 2, 3]]), seed=0) == 1
    assert largest_batch(np.arange(10).reshape(2, 5), seed=0) == 5


@pytest.mark.parametrize("batch_size", [64, 2048])
def test_sampler_forms_the_reference_epoch_in_seconds(batch_size: int) -> None:
    draw = np.random.default_rng(0)
    rows = 215_676
    # As in the reference data: a few documents stand as negative of many queries.
    texts = np.stack(
        [draw.integers(0, 200_000, rows), 200_000 + np.arange(rows), draw.integers(0, 120_000, rows)]
    )
    ours = sampler(texts, batch_size)
    start = time.perf_counter()
    taken = list(ours)
    assert time.perf_counter() - start < 15  # a fraction of it on an idle core
    assert len(taken) == len(ours)
    assert ours.rows_left_out < batch_size


def test_collator_pads_the_rows_that_it_is_given(encoder: Any) -> None:
    model: SentenceTransformer = tiny.load(encoder)
    columns = [["w1", "w2 w3", "w4 w5 w6"], ["w2 w3", "w7", "w8"], ["w1", "w9 w9 w9 w9", "w1"]]
    tokens, numbers = tokenize(model, [(column, None) for column in columns])
    collate = RowCollator(preprocess_fn=model.preprocess, tokens=tokens, numbers=numbers, shape=BlockShape(9))
    batch = collate([{ROW_COLUMN: 2}, {ROW_COLUMN: 0}])
    assert batch[ROW_COLUMN].tolist() == [2, 0]
    rows = [
        block["input_ids"][i][block["attention_mask"][i].bool()]
        for block in batch["blocks"]
        for i in range(len(block["input_ids"]))
    ]
    found = [
        [model.tokenizer.decode(rows[place][1:-1]) for place in batch["own"][column]]
        for column in batch["positions"]
    ]
    assert found == [["w4 w5 w6", "w1"], ["w8", "w2 w3"], ["w1", "w1"]]
    assert (batch["token_count"], batch["distinct_token_count"]) == (21, 15)
    assert batch["long_sequence_count"] == 0


def test_collator_without_tokens_is_a_programming_error(encoder: Any) -> None:
    with pytest.raises(TypeError, match="tokens and numbers"):
        RowCollator(preprocess_fn=tiny.load(encoder).preprocess)([{ROW_COLUMN: 0}])
