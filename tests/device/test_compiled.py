"""When compiling pays, and which modules are an encoder's layers."""

from pathlib import Path

import pytest
import torch
from sentence_transformers import SentenceTransformer

from pipeline.device import compiled

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
H100 = 989e12


def test_compiling_pays_on_a_card_where_the_training_is_long() -> None:
    minute = 60 * 0.25 * H100  # FLOP of a minute at the utilisation that is reached without
    assert compiled.pays(CUDA, 2 * minute, H100)
    assert not compiled.pays(CUDA, minute, H100)
    assert not compiled.pays(CUDA, 100 * minute, None)
    assert not compiled.pays(CPU, 100 * minute, H100)


def test_layers_are_the_list_that_holds_the_most() -> None:
    layer = torch.nn.Linear(8, 8)
    heads = torch.nn.ModuleList([torch.nn.Linear(1, 1), torch.nn.Linear(1, 1)])
    mixed = torch.nn.ModuleList([torch.nn.Linear(99, 99), torch.nn.ReLU()])
    encoder = torch.nn.ModuleDict(
        {"heads": heads, "mixed": mixed, "layers": torch.nn.ModuleList([layer, torch.nn.Linear(8, 8)])}
    )
    assert compiled.layers(encoder)[0] is layer
    assert compiled.layers(layer) == [layer]


def test_block_is_as_large_as_its_launches_take() -> None:
    encoder = torch.nn.ModuleList([torch.nn.Linear(8, 8) for _ in range(24)])
    asked = compiled.busy_positions(encoder, 300_000_000, H100)
    assert 10_000 < asked < 12_000
    assert compiled.busy_positions(encoder, 30_000_000, H100) > 9 * asked
    assert compiled.busy_positions(encoder, 1, H100) == 1 << 17
    assert compiled.busy_positions(None, 1, H100) == compiled.busy_positions(encoder, 1, None) == 1


@pytest.mark.filterwarnings("ignore:.*torch.jit.script_method.*:DeprecationWarning")  # of torch's own making
def test_layers_are_plain_again_afterwards(encoder: Path) -> None:
    model = SentenceTransformer(str(encoder), device="cpu")
    assert model.transformers_model is not None
    parts = compiled.layers(model.transformers_model)
    with compiled.compiled_layers(model):
        assert all(part._compiled_call_impl is not None for part in parts)
    assert all(part._compiled_call_impl is None for part in parts)
