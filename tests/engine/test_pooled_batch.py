"""A batch's texts stand in its blocks once each, and every place of theirs is known."""

from pathlib import Path

import numpy as np
import pytest
import torch

from pipeline.embedding.length_buckets import BlockShape, block_shape
from pipeline.embedding.tokens import tokenize
from pipeline.engine.pooled_batch import PooledBatch, deal, pool, pool_features
from tests.support import tiny

COLUMNS = [
    [tiny.text([i]) for i in range(6)],
    [tiny.text([i, i + 1, i + 2]) for i in range(6)],
    [tiny.text([i]) for i in (5, 4, 3, 2, 1, 0)],
]
SHAPE = block_shape(torch.device("cpu"), False)


def ids(batch: PooledBatch) -> list[list[int]]:
    """The tokens of each row of the blocks laid end to end, without padding."""
    rows = []
    for block in batch.blocks:
        for values, mask in zip(block["input_ids"], block["attention_mask"].bool(), strict=True):
            rows.append(values[mask].tolist())
    return rows


def test_each_text_is_encoded_once_and_found_everywhere(encoder: Path) -> None:
    model = tiny.load(encoder)
    tokens, numbers = tokenize(model, [(column, None) for column in COLUMNS])
    batch = pool(tokens, numbers, SHAPE)
    rows = ids(batch)
    assert len([row for row in rows if row]) == 12  # the third column holds the texts of the first
    assert batch.positions.shape == (3, 6)
    for column, places in zip(COLUMNS, batch.own[batch.positions].tolist(), strict=True):
        for text, place in zip(column, places, strict=True):
            assert rows[place] == model.tokenizer(text)["input_ids"]


def test_blocks_from_the_stock_collator_are_the_same(encoder: Path) -> None:
    model = tiny.load(encoder)
    tokens, numbers = tokenize(model, [(column, None) for column in COLUMNS])
    ours, theirs = pool(tokens, numbers, SHAPE), pool_features(tiny.features(model, COLUMNS), SHAPE)
    ours_rows, theirs_rows = ids(ours), ids(theirs)
    for mine, other in zip(
        ours.own[ours.positions].flatten(), theirs.own[theirs.positions].flatten(), strict=True
    ):
        assert ours_rows[mine] == theirs_rows[other]
    assert sum(map(bool, ours_rows)) == sum(map(bool, theirs_rows))


def test_shortest_texts_stand_first(encoder: Path) -> None:
    model = tiny.load(encoder)
    tokens, numbers = tokenize(model, [(column, None) for column in COLUMNS])
    narrow: BlockShape = block_shape(torch.device("cpu"), False)
    widths = [block["input_ids"].shape[1] for block in pool(tokens, numbers, narrow).blocks]
    assert widths == sorted(widths)
    assert np.prod(numbers.shape) == 18


@pytest.mark.parametrize("ranks", [1, 2, 3, 8])
@pytest.mark.parametrize("texts", [0, 1, 7, 500])
def test_deal_gives_each_text_to_one_rank_and_each_rank_as_much(texts: int, ranks: int) -> None:
    lengths = np.random.default_rng(texts).integers(3, 90, texts)
    shares = deal(lengths, ranks)
    assert len(shares) == ranks
    assert sorted(np.concatenate(shares)) == list(range(texts))
    counts = [len(share) for share in shares]
    tokens = [int(lengths[share].sum()) for share in shares]
    assert max(counts) - min(counts) <= 1
    assert max(tokens) - min(tokens) <= lengths.max(initial=0)
