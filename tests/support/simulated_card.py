"""A GPU's memory in numbers: sizes, gaps between them, and a limit; BGE-M3 in place of what really runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from transformers import XLMRobertaConfig, XLMRobertaModel

from pipeline.device.memory import Encode

# torch's large allocations come in pages of this size.
_PAGE = 2 << 20
LAYERS = 24
# What a pass computes with beside its graph, as a part of that.
WORK = 0.12


def bge_m3() -> torch.nn.Module:
    """Return BGE-M3's parameters without numbers in them: 567 million."""
    with torch.device("meta"):
        return XLMRobertaModel(
            XLMRobertaConfig(
                vocab_size=250_002,
                hidden_size=1024,
                num_hidden_layers=LAYERS,
                num_attention_heads=16,
                intermediate_size=4096,
                max_position_embeddings=8194,
                type_vocab_size=1,
            )
        )


class Card:
    """A card's memory: first fit in one range of addresses, where what is freed leaves a gap.

    Attributes:
        capacity: Bytes.
        per_position: Bytes of a graph for each position.
        asked: Bytes of each range, as they were asked for and torch counts them.
    """

    share, steady = 0.95, True

    def __init__(self, capacity: float, per_position: float) -> None:
        self.capacity, self.per_position = int(capacity), per_position
        self.asked: dict[tuple[int, int], int] = {}
        self._taken: list[tuple[int, int]] = []  # first address and the one behind the last, by address

    def allocate(self, size: float) -> tuple[int, int]:
        """Take a range of addresses.

        Raises:
            torch.OutOfMemoryError: No gap is large enough.
        """
        pages = -(-int(size) // _PAGE) * _PAGE
        begin, place = 0, 0
        for first, end in self._taken:
            if first - begin >= pages:
                break
            begin, place = end, place + 1
        if begin + pages > self.capacity:
            raise torch.OutOfMemoryError(f"CUDA out of memory. Tried to allocate {size / 2**20:.0f} MiB")
        self._taken.insert(place, (begin, begin + pages))
        self.asked[begin, begin + pages] = int(size)
        return begin, begin + pages

    def give_back(self, part: tuple[int, int]) -> None:
        """Free a range."""
        self._taken.remove(part)
        del self.asked[part]

    @contextmanager
    def briefly(self, size: float) -> Iterator[None]:
        """Take bytes for a while."""
        part = self.allocate(size)
        try:
            yield
        finally:
            self.give_back(part)

    def graph(self, positions: int) -> float:
        """Return the bytes of a block's graph."""
        return 5e6 + positions * self.per_position

    def free(self) -> int:
        """Return what is not taken, in gaps too."""
        return self.capacity - self.allocated()

    def allocated(self) -> int:
        """Return what is taken."""
        return sum(end - first for first, end in self._taken)

    def graph_bytes(self, encode: Encode, block: dict[str, Any]) -> int:
        """Return what is taken more after a forward pass."""
        before = sum(self.asked.values())
        embeddings = encode(block)
        held = sum(self.asked.values()) - before
        del embeddings
        return held

    def release(self) -> None:
        """Nothing is cached."""


class _Kept:
    """A graph's memory, layer by layer, for as long as somebody refers to it."""

    def __init__(self, card: Card, positions: int) -> None:
        self.card = card
        self.parts: list[tuple[int, int]] = []
        for _ in range(LAYERS):
            self.parts.append(card.allocate(card.graph(positions) / LAYERS))

    def __del__(self) -> None:
        for part in self.parts:
            self.card.give_back(part)


class _Graph(torch.autograd.Function):
    """The identity, which holds on the card what a forward pass of BGE-M3 would hold."""

    @staticmethod
    def forward(ctx: Any, embeddings: Tensor, card: Card, positions: int, gradient: float) -> Tensor:
        """Take the memory of a graph."""
        ctx.kept = _Kept(card, positions)
        ctx.positions, ctx.gradient = positions, gradient
        with card.briefly(WORK * card.graph(positions)):
            return embeddings.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        """Compute with what a backward pass needs, its largest gradient among it."""
        card = ctx.kept.card
        with card.briefly(WORK * card.graph(ctx.positions)), card.briefly(ctx.gradient):
            pass
        del ctx.kept
        return gradients[0], None, None, None


def hold(embeddings: Tensor, card: Card, positions: int, gradient: float) -> Tensor:
    """Return the embeddings, whose graph holds on the card what BGE-M3's would hold.

    Args:
        embeddings: Of a block.
        card: Where memory is taken, until the graph is freed.
        positions: Of the block.
        gradient: Bytes of the largest gradient, which the backward pass makes whole.
    """
    held: Tensor = _Graph.apply(embeddings, card, positions, gradient)  # type: ignore[no-untyped-call]
    return held
