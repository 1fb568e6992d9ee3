"""How many graphs of the first forward pass may stay in memory, by measured bytes."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from pipeline.embedding.hardware import free_memory_bytes

# Shares of the free memory that kept graphs may take. The rest is for what a pass needs beside its graph,
# for fragmentation, and on a CPU for the machine's other work.
_SHARE = {"cuda": 0.8, "cpu": 0.5}


def default_budget(model: torch.nn.Module, device: torch.device) -> int:
    """Bytes that kept graphs may take: a share of what will be free once the optimizer has its state."""
    trainable = sum(p.numel() * p.element_size() for p in model.parameters() if p.requires_grad)
    gradient_and_two_moments = 3 * trainable
    return max(0, int(_SHARE.get(device.type, 0.5) * (free_memory_bytes(device) - gradient_and_two_moments)))


class GraphBudget:
    """Bytes granted to kept graphs, and what a graph of each width costs per row.

    Attributes:
        limit: Bytes that all kept graphs of one batch may take together.
        halvings: How often an out-of-memory error has halved the limit.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.halvings = 0
        self._bytes_per_row: dict[int, float] = {}
        self._spent = 0.0

    def start_batch(self) -> None:
        """Forget what the previous batch kept."""
        self._spent = 0.0

    def knows(self, width: int) -> bool:
        """Whether a graph of this width has been measured."""
        return width in self._bytes_per_row

    def fits(self, rows: int, width: int) -> bool:
        """Whether a graph of this shape, measured before, still fits."""
        return self._spent + rows * self._bytes_per_row[width] <= self.limit

    def keep(self, rows: int, width: int) -> None:
        """Count a graph of this shape as kept."""
        self._spent += rows * self._bytes_per_row[width]

    def halve(self) -> None:
        """After an out-of-memory error, go down to half of what was spent, at most half of the limit."""
        self.limit = min(self.limit, int(self._spent)) // 2
        self.halvings += 1

    @contextmanager
    def measure(self, rows: int, width: int, model: torch.nn.Module) -> Iterator[None]:
        """Count the bytes that autograd saves for the backward pass of one block.

        Every storage counts once, the model's own parameters and buffers not at all. Works alike on every
        device, where reading the allocator would need an exclusive one.
        """
        own = {t.untyped_storage().data_ptr() for t in (*model.parameters(), *model.buffers())}
        saved: dict[int, int] = {}

        def pack(tensor: Tensor) -> Tensor:
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in own:
                saved[storage.data_ptr()] = storage.nbytes()
            return tensor.detach()  # an operation's own output would keep its graph alive in a cycle

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            yield
        self._bytes_per_row[width] = sum(saved.values()) / rows
