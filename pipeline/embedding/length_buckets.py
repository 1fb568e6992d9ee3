"""A batch of texts becomes blocks: padded mini-batches of like length, across all columns."""

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from pipeline.device.hardware import has_amx

# Texts of a block, its rows (as many, or more where shapes are rounded up) and its width.
Block = tuple[NDArray[np.int64], int, int]


@dataclass(frozen=True)
class BlockShape:
    """How blocks are cut.

    Attributes:
        tokens: Most positions of one block; a longer sequence is a block of its own.
        overhead: What one more block costs, in positions; padding up to that is cheaper than a cut.
        few_shapes: Round shapes up to a small ladder. oneDNN built code for each new shape of bfloat16, at
            more than the cost of the padding (37 s instead of 4 on short texts).
        aligned: Whether widths may be multiples of 8. Inductor compiles attention once more for those, which
            takes longer (8 s on an H200's machine) than their one position more costs in a short training.
    """

    tokens: int
    overhead: int = 32
    few_shapes: bool = False
    aligned: bool = True

    def width(self, length: int) -> int:
        """Positions per row for texts of at most this length."""
        if not self.few_shapes:
            return length if self.aligned or length % 8 else length + 1
        for limit, step in ((32, 4), (64, 8), (128, 16), (256, 32)):
            if length <= limit:
                return -(-length // step) * step
        return -(-length // 64) * 64

    def rows(self, width: int) -> int:
        """Rows of a full block of this width."""
        rows = max(1, self.tokens // width)
        return rows // 8 * 8 if self.few_shapes and rows > 8 else rows

    def padded_rows(self, texts: NDArray[np.int64], width: int) -> NDArray[np.int64]:
        """Rows that this many texts of this width take up: a block that is not full is rounded up too."""
        if not self.few_shapes:
            return texts
        full = self.rows(width)
        rest = texts % full
        rounded = np.where(rest > 0, 1 << np.ceil(np.log2(np.maximum(rest, 8))).astype(np.int64), 0)
        return texts - rest + np.minimum(rounded, full)


def block_shape(device: torch.device, bf16: bool) -> BlockShape:
    """The shape that is fast on this device.

    On a CPU the time per token hardly depends on the block's size from a few hundred tokens on, and small
    blocks need little padding and little memory. A GPU wants enough rows to fill it, and pays for launches:
    on an H200 a token of BGE-M3's geometry took 13.9 us in blocks of 4,000, 7.0 in 16,000 and 6.5 in 32,000.
    """
    if device.type == "cuda":
        return BlockShape(tokens=32768, overhead=2048)
    return BlockShape(tokens=1024, few_shapes=bf16 and has_amx())


def shape_within(shape: BlockShape, bytes_free: float, bytes_per_position: float, least: int) -> BlockShape:
    """Cut blocks so small that the graph of one takes at most a tenth of the memory.

    Args:
        shape: The shape that is fast.
        bytes_free: What graphs may take.
        bytes_per_position: What they take.
        least: Positions below which a device waits for launches. A block may take up to half of the memory to
            have as many: where a tenth of it holds fewer, few graphs can be kept in any case.
    """
    if bytes_per_position <= 0:
        return shape
    tenth, half = (int(bytes_free * share / bytes_per_position) for share in (0.1, 0.5))
    wanted = max(shape.tokens, least)
    return replace(shape, tokens=max(1, min(wanted, max(tenth, min(least, half)))))


def cut(lengths: NDArray[np.int64], group: NDArray[np.int64], shape: BlockShape) -> list[Block]:
    """Cut texts into blocks of like length, at the places that cost the least padding and blocks together.

    Returns:
        The blocks, shortest texts first.
    """
    blocks = []
    for number in np.unique(group):
        members = np.flatnonzero(group == number)
        order = members[np.argsort(lengths[members], kind="stable")]
        for begin, end, width in _ranges(lengths[order], shape):
            full = shape.rows(width)
            if not shape.few_shapes:  # as many blocks, of about equal size
                full = math.ceil((end - begin) / math.ceil((end - begin) / full))
            for first in range(begin, end, full):
                texts = order[first : min(first + full, end)]
                rows = shape.padded_rows(np.array(len(texts)), width)
                blocks.append((texts, int(rows), width))
    return sorted(blocks, key=lambda block: block[2])


def _ranges(lengths: NDArray[np.int64], shape: BlockShape) -> list[tuple[int, int, int]]:
    """Ranges of sorted texts that share a width, by dynamic programming over their distinct widths."""
    widths = np.array([shape.width(int(length)) for length in np.unique(lengths)])
    widths = np.unique(widths)
    # Texts up to and including each width; ends[i] is where the texts of widths[i] begin.
    ends = np.concatenate([[0], np.searchsorted(lengths, widths, side="right")])
    least, cheapest = np.zeros(len(ends)), np.zeros(len(ends), np.int64)
    for last, width in enumerate(widths.tolist(), start=1):
        rows = ends[last] - ends[:last]
        blocks = np.ceil(rows / shape.rows(width))
        cost = least[:last] + shape.padded_rows(rows, width) * width + blocks * shape.overhead
        cheapest[last] = int(cost.argmin())
        least[last] = cost[cheapest[last]]
    ranges, last = [], len(widths)
    while last > 0:
        first = int(cheapest[last])
        ranges.append((int(ends[first]), int(ends[last]), int(widths[last - 1])))
        last = first
    return ranges
