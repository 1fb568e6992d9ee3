"""What the engine is told of the memory of a CPU."""

import torch
from torch import Tensor

from pipeline.device import hardware, memory


def test_graph_is_what_autograd_keeps_and_no_weight_of_the_model() -> None:
    model = torch.nn.Linear(8, 4)
    block = {"x": torch.ones(16, 8)}

    def encode(features: dict[str, Tensor]) -> Tensor:
        return torch.exp(model(features["x"]))

    told = memory.memory_of(model)
    # What goes in, and the exponential's result; the product's own result is needed by nobody.
    assert told.graph_bytes(encode, block) == 16 * 8 * 4 + 16 * 4 * 4


def test_storage_that_is_kept_twice_counts_once() -> None:
    model = torch.nn.Linear(8, 8)
    shared = torch.ones(16, 8)
    told = memory.memory_of(model)
    once = told.graph_bytes(lambda block: model(block["x"]), {"x": shared})
    assert told.graph_bytes(lambda block: model(block["x"]) + model(block["x"]), {"x": shared}) == once


def test_memory_of_a_cpu_is_that_of_the_machine() -> None:
    told = memory.memory_of(torch.nn.Linear(1, 1))
    assert isinstance(told, memory.HostMemory)
    assert not told.steady
    assert abs(told.free() - hardware.free_memory_bytes(torch.device("cpu"))) < 1 << 30
    told.release()
