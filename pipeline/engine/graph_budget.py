"""How many graphs of the first forward pass stay in memory: as many as fit, and no more."""

import math
from collections.abc import Callable

import torch

from pipeline.device.memory import DeviceMemory
from pipeline.engine.graph_cost import GraphCost

# Part of the largest block's graph that a pass needs beside graphs: what it computes with, and throws away.
_WORK = 0.25
# Steps without an error after which one block more is tried again.
_PATIENCE = 16


class GraphBudget:
    """Bytes granted to kept graphs, spent block by block.

    Attributes:
        cost: What graphs cost; None until somebody has measured it.
        limit: Bytes that all kept graphs of this batch may take together.
        spent: Bytes of the graphs kept so far.
        out_of_memory_errors: How often memory did not suffice all the same.
    """

    def __init__(self, granted: int | Callable[[int], int], cost: GraphCost | None = None) -> None:
        """Take a number of bytes, or a function that says how many from the number of steps done."""
        self._granted = granted
        self.cost = cost
        self.limit = granted if isinstance(granted, int) else granted(0)
        self.spent = 0.0
        self.out_of_memory_errors = 0
        self._largest = 0.0
        self._cap = math.inf
        self._steps = 0
        self._steps_since_error = 0

    def start_batch(self, largest: float) -> None:
        """Forget what the previous batch kept; `largest` is the cost of this one's largest block."""
        granted = self._granted if isinstance(self._granted, int) else self._granted(self._steps)
        self.limit = int(max(0.0, min(granted, self._cap)))
        self.spent, self._largest = 0.0, largest

    def keep(self, cost: float) -> bool:
        """Return whether a graph of this cost may stay, and count it as kept if so."""
        if self.spent + cost + _WORK * self._largest > self.limit:
            return False
        self.spent += cost
        return True

    def one_block_less(self) -> bool:
        """After an out-of-memory error, allow one block less than were kept; return whether any was."""
        self.out_of_memory_errors += 1
        self._steps_since_error = 0
        if self.spent == 0:
            return False
        self._cap = max(0.0, self.spent + (_WORK - 1) * self._largest)
        return True

    def finish_batch(self) -> None:
        """After a step without an error: some such steps later, allow one block more again."""
        self._steps += 1
        self._steps_since_error += 1
        if self._cap < math.inf and self._steps_since_error % _PATIENCE == 0:
            self._cap += self._largest


def granted(memory: DeviceMemory, model: torch.nn.Module, *, half_weights: bool) -> Callable[[int], int]:
    """Return how much memory graphs may take, from the number of steps done.

    Set aside is what a step will allocate beside graphs: gradients; AdamW's two moments, until the first step
    has made them; weights in half precision, where autocast casts them; and the largest gradient once more,
    because an embedding's is made whole before it is added up.

    Args:
        memory: The device's.
        model: What is trained.
        half_weights: Whether the weights are cast to half precision.
    """
    sizes = [p.numel() * p.element_size() for p in model.parameters() if p.requires_grad]
    aside = sum(sizes) + max(sizes, default=0) + (sum(sizes) // 2 if half_weights else 0)

    def at(steps: int) -> int:
        moments = 0 if steps else 2 * sum(sizes)
        return max(0, int(memory.share * (memory.free() - aside - moments)))

    if memory.steady:
        return at
    first = at(0)
    return lambda steps: first
