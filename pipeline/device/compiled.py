"""The encoder's layers compiled by Inductor, each forward pass repeatable, and only where that pays."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from sentence_transformers import SentenceTransformer
from torch._dynamo import config as dynamo_config
from torch._functorch import config as functorch_config

# Compiling takes some 30 s with nothing in Inductor's cache (measured on an H200's machine), and a third of
# the training's time is saved: kept graphs are half as large, and what lies between products is fused.
_PAYS_AFTER_SECONDS = 100.0
# Of the data sheet's rate, what training reaches without being compiled.
_UTILISATION = 0.25
# With a graph and without, in training and evaluation, for one row and more: from torch's 8 on, eager.
_RECOMPILE_LIMIT = 32
# What launching one layer's forward and backward pass takes the CPU (measured on an H200's machine).
_LAUNCH_SECONDS = 0.0032
_MOST_POSITIONS = 1 << 17


def busy_positions(encoder: torch.nn.Module | None, parameters: int, rate: float | None) -> int:
    """Return how many positions a block needs so that the device is not done before the next one is launched.

    Args:
        encoder: The transformer.
        parameters: Of it, outside embedding tables.
        rate: FLOP/s of the device; None where nobody knows.
    """
    if encoder is None or rate is None:
        return 1
    seconds = _LAUNCH_SECONDS * len(layers(encoder))
    return min(_MOST_POSITIONS, max(1, int(seconds * _UTILISATION * rate / (6 * parameters))))


def pays(device: torch.device, flops: float, rate: float | None) -> bool:
    """Return whether compiling is likely to take less time than it saves.

    Args:
        device: Where the model is trained; on a CPU compiled layers are the slower ones.
        flops: Of the whole training.
        rate: FLOP/s of the device; None where nobody knows.
    """
    if device.type != "cuda" or rate is None:
        return False
    return flops / (_UTILISATION * rate) > _PAYS_AFTER_SECONDS


def layers(encoder: torch.nn.Module) -> list[torch.nn.Module]:
    """Return the encoder's layers: the list of modules of one class that holds the most parameters."""

    def size(modules: list[torch.nn.Module]) -> int:
        return sum(parameter.numel() for module in modules for parameter in module.parameters())

    lists = [
        list(modules)
        for modules in encoder.modules()
        if isinstance(modules, torch.nn.ModuleList) and len({type(module) for module in modules}) == 1
    ]
    return max(lists, key=size) if lists else [encoder]


@contextmanager
def compiled_layers(model: SentenceTransformer) -> Iterator[None]:
    """Compile the encoder's layers for a while.

    sentence-transformers calls `forward` of the encoder, which a compiled encoder does not answer; its layers
    are called as modules. All have the same code, so that one compilation serves them all, for every shape.
    The backward pass computes norms, GELU and dropout again from what products and attention gave
    (selective recomputation, Korthikanti et al. 2022, https://arxiv.org/abs/2205.05198): 0.60 instead of
    1.05 MB a position in BGE-M3's geometry.
    """
    encoder = model.transformers_model
    parts = layers(encoder) if encoder is not None else []
    try:
        with (
            functorch_config.patch(aggressive_recomputation=True),
            dynamo_config.patch(recompile_limit=_RECOMPILE_LIMIT),
        ):
            for part in parts:
                part.compile(dynamic=True)
            yield
    finally:
        for part in parts:
            part._compiled_call_impl = None
        if parts:
            torch._dynamo.reset()  # what was compiled for this model serves no other one
