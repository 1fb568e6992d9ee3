"""Blocks: every text once, like lengths together, within the token budget."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pipeline.device.hardware import has_amx
from pipeline.embedding.length_buckets import BlockShape, block_shape, cut, shape_within

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
    assert block_shape(torch.device("cuda"), False).tokens > block_shape(torch.device("cpu"), False).tokens
    assert block_shape(torch.device("cpu"), True).few_shapes == has_amx()
    assert not block_shape(torch.device("cpu"), False).few_shapes


@pytest.mark.parametrize(
    ("free", "per_position", "least", "tokens"),
    [
        (130e9, 0.6e6, 14_600, 21_666),  # a tenth of an H200's memory
        (64e9, 0.6e6, 14_600, 14_600),  # an H100 waits for launches in blocks of a tenth
        (1e15, 0.6e6, 14_600, 32_768),  # more than a block wants
        (1e15, 0.03e6, 100_000, 100_000),  # a small model on a fast device
        (4e9, 1.05e6, 4_096, 1_904),  # half of what is there
        (0, 1.05e6, 4_096, 1),
        (1e9, 0, 4_096, 32_768),  # nothing measured
    ],
)
def test_shape_within_takes_a_tenth_of_the_memory(
    free: float, per_position: float, least: int, tokens: int
) -> None:
    assert shape_within(BlockShape(32_768), free, per_position, least).tokens == tokens


def test_widths_that_are_never_aligned_cost_one_position() -> None:
    shape = BlockShape(100, aligned=False)
    assert [shape.width(length) for length in (7, 8, 9, 16, 31, 32)] == [7, 9, 9, 17, 31, 33]
