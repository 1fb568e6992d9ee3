"""Blocks: every text once, like lengths together, within the token budget."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from pipeline.embedding.hardware import has_amx
from pipeline.embedding.length_buckets import BlockShape, block_shape, cut

SHAPES = st.builds(BlockShape, st.integers(1, 600), st.integers(0, 100), st.booleans())


@given(
    texts=st.lists(st.tuples(st.integers(1, 300), st.integers(0, 2)), max_size=60),
    shape=SHAPES,
)
def test_cut_places_every_text_once_within_the_budget(
    texts: list[tuple[int, int]], shape: BlockShape
) -> None:
    lengths = np.array([length for length, _ in texts], np.int64)
    group = np.array([number for _, number in texts], np.int64)
    blocks = cut(lengths, group, shape)
    placed = [text for members, _, _ in blocks for text in members.tolist()]
    assert sorted(placed) == list(range(len(texts)))
    assert [width for _, _, width in blocks] == sorted(width for _, _, width in blocks)
    for members, rows, width in blocks:
        assert len(set(group[members])) == 1
        assert lengths[members].max() <= width
        assert len(members) <= rows
        assert rows == 1 or rows * width <= shape.tokens


@given(shape=SHAPES, length=st.integers(1, 1000))
def test_width_pads_little(shape: BlockShape, length: int) -> None:
    assert length <= shape.width(length) <= max(length + 7, int(length * 1.25))


def test_few_shapes_stay_few() -> None:
    draw = np.random.default_rng(0)
    shape = BlockShape(2048, few_shapes=True)
    seen = {
        (rows, width)
        for _ in range(50)
        for _, rows, width in cut(draw.integers(3, 200, 700), np.zeros(700, np.int64), shape)
    }
    assert len(seen) < 60


@given(texts=st.lists(st.integers(1, 30), min_size=1, max_size=40), overhead=st.integers(0, 60))
def test_cut_costs_no_more_than_one_block_or_one_per_length(texts: list[int], overhead: int) -> None:
    lengths = np.array(texts)
    blocks = cut(lengths, np.zeros(len(texts), np.int64), BlockShape(10_000, overhead))
    cost = sum(rows * width + overhead for _, rows, width in blocks)
    assert cost <= len(texts) * max(texts) + overhead
    assert cost <= sum(texts) + overhead * len(set(texts))


def test_block_shape_follows_the_device() -> None:
    assert (
        block_shape(torch.device("cuda"), False, False).tokens
        > block_shape(torch.device("cpu"), False, False).tokens
    )
    assert block_shape(torch.device("cpu"), True, False).few_shapes == has_amx()
    assert block_shape(torch.device("cpu"), False, True).few_shapes
    assert not block_shape(torch.device("cpu"), False, False).few_shapes
