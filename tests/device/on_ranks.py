"""Trainings and encodings in one process, on two ranks and on three; rank 0 of each writes what came of them.

`python -m tests.device.on_ranks FOLDER ENCODER DROPOUT_ENCODER`. The ranks are forked with the environment
that torchrun gives, because six processes that each import torch would take a minute; the train step's test
starts them by torch's launcher.
"""

import multiprocessing
import os
import socket
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from pipeline.device import hardware as machine
from pipeline.device import ranks
from pipeline.embedding.encode import encode
from pipeline.engine.cached_loss import PooledRankingLoss
from pipeline.engine.fit import fit
from pipeline.engine.recipe import Hardware, Recipe
from pipeline.engine.trainer import EngineTrainer
from pipeline.errors import InvalidParams, InvalidWorkspace, TrainingFailed
from tests.support import tiny

RECIPE = Recipe(
    dims=(16, 8),
    batch_size=8,
    eval_batch_size=8,
    learning_rate=1e-3,
    eval_steps=2,
    max_steps=5,
    warmup=0.2,
    bf16=False,
    query_prompt="w38 : ",
    document_prompt="w39 : ",
    # Where a gradient is 0 but for rounding (attention's key biases), AdamW would make whole steps of that.
    adam_epsilon=1e-5,
)


def split(rows: int, start: int = 0) -> dict[str, list[str]]:
    """Triplets of 1 to 9 words, some of whose texts are equal."""

    def column(shift: int) -> list[str]:
        return [
            tiny.text([(i + shift * k) % 38 for k in range(1 + i % 9)]) for i in range(start, start + rows)
        ]

    return {"query": column(1), "positive": column(2), "negative": column(4)}


class Watched:
    """Keeps the loss and the gradients of each step, as every rank has them behind it."""

    def __init__(self) -> None:
        self.losses: list[float] = []
        self.gradients: list[torch.Tensor] = []
        self._step = EngineTrainer.training_step

    def __enter__(self) -> "Watched":
        step = self._step

        def watched(trainer: EngineTrainer, model: Any, *args: Any, **kwargs: Any) -> Any:
            loss = step(trainer, model, *args, **kwargs)
            self.losses.append(loss.item())
            self.gradients.append(torch.cat([one.flatten() for one in tiny.gradients(model)]).clone())
            return loss

        EngineTrainer.training_step = watched  # type: ignore[method-assign, assignment]
        return self

    def __exit__(self, *error: object) -> None:
        EngineTrainer.training_step = self._step  # type: ignore[method-assign]


ONE_THREAD = Hardware(threads=1)


def train(
    folder: Path,
    encoder: Path,
    recipe: Recipe = RECIPE,
    hardware: Hardware = ONE_THREAD,
    *,
    resume: bool = False,
) -> Any:
    """Train, and return what the ranks must have in common with one process."""
    model = tiny.load(encoder)
    with Watched() as watched:
        run = fit(model, split(36), split(20, 40), recipe, hardware, folder, resume=resume)
    weights = torch.cat([p.detach().flatten() for p in model.parameters()])
    return {
        "losses": watched.losses,
        "gradients": watched.gradients,
        "weights": weights,
        "same": len({each.sum().item() for each in ranks.objects(weights)}) == 1,
        "curve": run.curve,
        "speed": run.speed,
        "run": (run.steps, run.triplets, run.tokens, run.rows_left_out, run.out_of_memory_errors),
        "arguments": run.training_arguments,
    }


def short_of_memory(folder: Path, encoder: Path) -> Any:
    """Train where the last rank lacks memory twice: in a forward pass, and later in a backward one."""
    encode_block, passes = PooledRankingLoss.encode, [0]

    def full(gradient: torch.Tensor) -> torch.Tensor:
        passes[0] += 1
        raise torch.OutOfMemoryError("CUDA out of memory in backward")

    def poor(loss: PooledRankingLoss, block: dict[str, Any]) -> torch.Tensor:
        embeddings = encode_block(loss, block)
        training = embeddings.requires_grad and loss.budget.cost is not None
        if training and ranks.number() == ranks.count() - 1:
            passes[0] += passes[0] != 4
            if passes[0] == 2:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate")
            if passes[0] == 4:
                embeddings.register_hook(full)  # type: ignore[no-untyped-call]
        return embeddings

    PooledRankingLoss.encode = poor  # type: ignore[method-assign, assignment]
    try:
        return train(folder, encoder, hardware=Hardware(1, 1 << 30))
    finally:
        PooledRankingLoss.encode = encode_block  # type: ignore[method-assign]


def refused(folder: Path, encoder: Path, recipe: Recipe) -> str:
    """Return what `fit` says of a recipe that it refuses."""
    try:
        train(folder, encoder, recipe)
    except (InvalidParams, TrainingFailed) as error:
        return str(error)
    return ""


def disagreement() -> list[str]:
    """Return what each rank says where the last one has another file."""
    try:
        ranks.agree({"data/clean/train.parquet": str(ranks.number() == ranks.count() - 1), "code": "1"})
    except InvalidWorkspace as error:
        return ranks.objects(str(error))
    return ranks.objects("")


def one_rank(world: int, rank: int, port: int, folder: Path, encoder: Path, dropout: Path) -> None:
    """Run all of it as one rank."""
    if world > 1:
        names = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": world, "LOCAL_WORLD_SIZE": world}
        os.environ.update({name: str(value) for name, value in names.items()})
        os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    torch.set_num_threads(1)
    machine.peak_flops = lambda device, bf16: (1e12, "given")  # a quarter of a second for each training
    ranks.connect()
    ranks.agree({"code": "1"})
    dropped, saving = replace(RECIPE, max_steps=3), replace(ONE_THREAD, save_minutes=0)
    found = {
        "plain": train(folder / "plain", encoder),
        # One dimension of two by chance, and every block encoded twice.
        "drawn": train(
            folder / "drawn", encoder, replace(RECIPE, n_dims_per_step=1, max_steps=3), Hardware(1, 0)
        ),
        "short": short_of_memory(folder / "short", encoder),
        "dropout": train(folder / "dropout", dropout, dropped, saving),
        "resumed": train(folder / "dropout", dropout, dropped, saving, resume=True),
        "vectors": encode(tiny.load(encoder), split(40)["query"], prompt=None, batch_tokens=64).clone(),
        "few": encode(tiny.load(encoder), ["w1"], prompt=None).clone(),
        "disagreement": disagreement(),
        "checkpoints": sorted(path.name for path in (folder / "dropout").glob("checkpoint-*/*")),
    }
    if ranks.count() > 1:
        found["stock"] = refused(folder, encoder, replace(RECIPE, engine="stock", max_steps=1))
        found["small"] = refused(folder, encoder, replace(RECIPE, batch_size=ranks.count() - 1))
    if ranks.number() == 0:
        torch.save(found, folder / "found.pt")
    ranks.part()


def main() -> None:
    """Run the three worlds one after the other."""
    folder, encoder, dropout = map(Path, sys.argv[1:])
    fork = multiprocessing.get_context("fork")
    for world in (1, 2, 3):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        own = folder / str(world)
        own.mkdir()
        given = (port, own, encoder, dropout)
        processes = [fork.Process(target=one_rank, args=(world, rank, *given)) for rank in range(world)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
            if process.exitcode:
                raise SystemExit(f"a rank of {world} ended with {process.exitcode}")


if __name__ == "__main__":
    main()
