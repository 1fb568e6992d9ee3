"""Fit, evaluator, search, compatibility and example on the separate device; prints what it found.

Run in a process of its own, because what it registers with torch and replaces in it stays.
"""

import json
import os
import sys
import tempfile
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import torch


def no_grad(mode: bool = True) -> AbstractContextManager[None]:
    """Inference mode knows no wrappers."""
    return torch.no_grad()


torch.inference_mode = no_grad  # type: ignore[assignment, misc] # before it decorates anything
from sentence_transformers import SentenceTransformer

from bench.gpu import load, write
from pipeline.device import memory
from pipeline.embedding.encode import score_triplets
from pipeline.engine import build, cached_loss, trainer
from pipeline.engine.fit import fit
from pipeline.engine.recipe import Hardware, Recipe
from pipeline.params.card import Example
from pipeline.records import Precision
from pipeline.stages.evaluate import usage_example
from pipeline.stages.evaluate.compatibility import Space, reembed
from pipeline.stages.evaluate.quantization import quantized
from pipeline.stages.evaluate.retrieval import Collection, ranks
from tests.support import separate_device as separate

STEPS = 4
PRECISIONS: tuple[Precision, ...] = ("float32", "int8", "binary")


class Random:
    """sentence-transformers' `RandContext`, for a device that is not called cuda."""

    fwd_gpu_devices: tuple[int, ...] = ()
    fwd_gpu_states: tuple[torch.Tensor, ...] = ()

    def __init__(self, *tensors: torch.Tensor) -> None:
        self.fwd_cpu_state = torch.get_rng_state()
        self.device_state = separate.Generator.state.clone()

    def __enter__(self) -> None:
        self.before = torch.get_rng_state(), separate.Generator.state.clone()
        torch.set_rng_state(self.fwd_cpu_state)
        separate.Generator.state = self.device_state.clone()

    def __exit__(self, *error: object) -> None:
        torch.set_rng_state(self.before[0])
        separate.Generator.state = self.before[1]


class Memory(memory.HostMemory):
    """Counts what autograd saves by the tensors inside."""

    def graph_bytes(self, encode: memory.Encode, block: dict[str, Any]) -> int:
        saved: dict[int, int] = {}

        def pack(tensor: torch.Tensor) -> torch.Tensor:
            storage = separate._inside(tensor).untyped_storage()
            saved[storage.data_ptr()] = storage.nbytes()
            return tensor.detach()

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            encode(block)
        return sum(saved.values())


def split(rows: int) -> dict[str, list[str]]:
    draw = np.random.default_rng(rows)

    def texts() -> list[str]:
        return [" ".join(f"w{i}" for i in draw.integers(4, 300, draw.integers(2, 20))) for _ in range(rows)]

    return {"query": texts(), "positive": texts(), "negative": texts()}


def replace() -> None:
    """Replace what knows no devices but its own."""
    make = torch.tensor

    def tensor(data: Any, *args: Any, device: Any = None, **options: Any) -> torch.Tensor:
        made = make(data, *args, **options)
        ours = device is not None and torch.device(device).type == separate.NAME
        return separate.put(made) if ours else made

    torch.tensor = tensor
    for module in (build, cached_loss, trainer):
        module.memory_of = Memory  # type: ignore[attr-defined]
        module.RandContext = Random  # type: ignore[attr-defined]


def trained(model: SentenceTransformer, folder: Path, bytes_kept: int) -> dict[str, Any]:
    """Train where the model stands, and score with what came out."""
    recipe = Recipe(dims=(64, 16), batch_size=8, eval_batch_size=4, eval_steps=2, max_steps=STEPS, bf16=False)
    separate.WAITS.clear()
    test = split(13)
    columns = test["query"], test["positive"], [test["negative"]]
    with separate.Everywhere():
        run = fit(model, split(40), split(12), recipe, Hardware(1, bytes_kept), folder / "out")
        waits = dict(separate.WAITS)
        scores = score_triplets(model, *columns, (64, 16), query_prompt=None, document_prompt=None)
    return {
        "losses": [row.validation_loss for row in run.curve],
        "repeated": run.speed.second_forward_share,
        "positive": scores.positive.tolist(),
        "waits": {name: count for name, count in waits.items() if count},
    }


def searched(device: torch.device) -> list[list[int]]:
    """Rank documents at every precision."""
    draw = np.random.default_rng(0)
    vectors = [torch.from_numpy(draw.standard_normal((n, 16), dtype=np.float32)) for n in (5, 30)]
    queries, documents = (one / one.norm(dim=1, keepdim=True) for one in vectors)
    if device.type == separate.NAME:
        queries, documents = separate.put(queries), separate.put(documents)
    pairs = np.arange(5)
    names, texts = tuple("abcde"), tuple(map(str, range(30)))
    found = Collection(names, names, texts, pairs, pairs * 3, np.ones(5))
    with separate.Everywhere():
        return [ranks(found, *quantized(queries, documents, precision)).tolist() for precision in PRECISIONS]


def compared(device: torch.device) -> dict[str, float]:
    """Search old vectors with new queries and the other way, and mixtures of both."""
    draw = np.random.default_rng(1)
    pairs = np.arange(5)
    found = Collection(
        tuple("abcde"), tuple("abcde"), tuple(map(str, range(30))), pairs, pairs * 3, np.ones(5)
    )

    def space(name: str) -> Space:
        queries, documents = (
            torch.from_numpy(draw.standard_normal((n, 16), dtype=np.float32)) for n in (5, 30)
        )
        return Space(name, 16, queries, documents, (queries, queries), per_hour=1.0)

    with separate.Everywhere():
        told = reembed(found, space("new"), space("old"), (16, 8), PRECISIONS, 0.01, device=device)
    return {str(name): value for name, value in told.ndcg10.items()}


def evaluated(model: SentenceTransformer, device: torch.device) -> dict[str, Any]:
    """Do what `evaluate` does beside scoring."""
    return {"searched": searched(device), "compared": compared(device), "answered": answered(model)}


def answered(model: SentenceTransformer) -> list[list[float | None]]:
    """Answer the card's example."""
    asked = Example(queries=("w5 w6", "w7"), documents=("w5 w6 w9", "w8"))
    with separate.Everywhere():
        return [list(row) for row in usage_example.answer(model, asked).similarities]


def main() -> None:
    """Print what the CPU gives and what the device gives."""
    torch.set_num_threads(1)
    folder = Path(tempfile.mkdtemp(dir=sys.argv[1]))
    torch.manual_seed(0)
    write(folder, 2, 64, 300)
    models = [load(folder, 64, "cpu") for _ in range(3)]  # before torch is changed
    replace()
    os.environ["ACCELERATE_TORCH_DEVICE"] = "cpu"
    found: dict[str, Any] = {
        "cpu": trained(models[0], folder, 1 << 30) | evaluated(models[0], torch.device("cpu"))
    }
    os.environ["ACCELERATE_TORCH_DEVICE"] = str(separate.DEVICE)
    for model in models[1:]:
        separate.move(model)
    found["separate"] = trained(models[1], folder, 1 << 30) | evaluated(models[1], separate.DEVICE)
    found["repeated"] = trained(models[2], folder, 0)
    found["threads"] = sorted(separate.THREADS)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
