"""What the graph of a block costs, from three small probes at the start of a training."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from pipeline.device.memory import DeviceMemory

# Two widths and two numbers of rows: as many probes as a cost has terms.
_ROWS, _NARROW, _WIDE = 8, 16, 64


@dataclass(frozen=True)
class GraphCost:
    """Bytes that the graph of one block holds until its backward pass.

    Attributes:
        per_block: Of every block, whatever its size.
        per_position: Of each position, padding too.
        per_square: Of each row and square of its width: attention that keeps its probabilities.
    """

    per_block: float
    per_position: float
    per_square: float = 0.0

    def __call__(self, rows: int, width: int) -> float:
        """Return the bytes of a block of this shape."""
        return self.per_block + rows * width * (self.per_position + self.per_square * width)


def measure_cost(
    encode: Callable[[dict[str, Any]], Tensor], block: dict[str, Any], longest: int, memory: DeviceMemory
) -> GraphCost:
    """Measure what graphs cost, on texts of one token again and again.

    Args:
        encode: The forward pass, in the mode and precision of training.
        block: Any block of the training, for its features and constants.
        longest: Most positions that a row may have.
        memory: The device's.
    """
    narrow, wide = min(_NARROW, longest), min(_WIDE, longest)
    shapes = [(_ROWS, narrow), (2 * _ROWS, narrow), (_ROWS, wide)]
    encode(_like(block, _ROWS, narrow))  # buffers and copies of weights that stay are no graph
    found = [memory.graph_bytes(encode, _like(block, rows, width)) for rows, width in shapes]
    if wide == narrow:
        per_position = max(0.0, found[1] - found[0]) / (_ROWS * narrow)
        return GraphCost(max(0.0, found[0] - per_position * _ROWS * narrow), per_position)
    terms = [[1, rows * width, rows * width**2] for rows, width in shapes]
    per_block, per_position, per_square = np.linalg.solve(np.array(terms, float), np.array(found, float))
    return GraphCost(max(0.0, per_block), max(0.0, per_position), max(0.0, per_square))


def _like(block: dict[str, Any], rows: int, width: int) -> dict[str, Any]:
    """Return features of another shape: each row repeats the block's first token."""
    return {
        key: value[:1, :1].expand(rows, width).contiguous() if isinstance(value, Tensor) else value
        for key, value in block.items()
    }
