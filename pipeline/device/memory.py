"""A device's memory as the engine asks about it: what is free, and what a graph takes."""

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor

from pipeline.device import hardware, ranks

Encode = Callable[[dict[str, Any]], Tensor]


class DeviceMemory(Protocol):
    """What can be asked of a device's memory.

    Attributes:
        share: Part of the free memory that may be planned with; the rest is for fragmentation, and on a CPU
            for the machine's other work.
        steady: What is free can be told exactly, so that it is asked at each step.
    """

    share: float
    steady: bool

    def free(self) -> int:
        """Return the bytes that could be allocated, those included that a cache would give back."""

    def graph_bytes(self, encode: Encode, block: dict[str, Any]) -> int:
        """Return the bytes that the graph of a forward pass holds."""

    def release(self) -> None:
        """Give back what nothing refers to any more."""


class CudaMemory:
    """A GPU's memory, by its allocator."""

    share = 0.95
    steady = True

    def __init__(self, device: torch.device) -> None:
        self._device = device

    def free(self) -> int:
        """Return what the driver has free, and what the allocator keeps for later."""
        return hardware.free_memory_bytes(self._device)

    def graph_bytes(self, encode: Encode, block: dict[str, Any]) -> int:
        """Return what is allocated more after the forward pass, its result included."""
        before = torch.cuda.memory_allocated(self._device)
        embeddings = encode(block)
        held = torch.cuda.memory_allocated(self._device) - before
        del embeddings
        return held

    def release(self) -> None:
        """Collect what cycles hold, and empty the allocator's cache."""
        hardware.release(self._device)


class HostMemory:
    """The memory of a CPU, and of any device whose allocator cannot be asked."""

    share = 0.5
    steady = False

    def __init__(self, model: torch.nn.Module) -> None:
        self._model = model
        self._device = next(model.parameters()).device

    def free(self) -> int:
        """Return what this process could still allocate within its cgroup, where ranks share that evenly."""
        return hardware.free_memory_bytes(self._device) // ranks.here()

    def graph_bytes(self, encode: Encode, block: dict[str, Any]) -> int:
        """Count what autograd saves for the backward pass.

        Every storage counts once, the model's own parameters and buffers not at all.
        """
        own = {t.untyped_storage().data_ptr() for t in (*self._model.parameters(), *self._model.buffers())}
        saved: dict[int, int] = {}

        def pack(tensor: Tensor) -> Tensor:
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in own:
                saved[storage.data_ptr()] = storage.nbytes()
            return tensor.detach()  # an operation's own output would keep its graph alive in a cycle

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            encode(block)
        return sum(saved.values())

    def release(self) -> None:
        """Collect what cycles hold."""
        hardware.release(self._device)


def memory_of(model: torch.nn.Module) -> DeviceMemory:
    """Return the memory of the device that a model stands on."""
    device = next(model.parameters()).device
    return CudaMemory(device) if device.type == "cuda" else HostMemory(model)
