"""BGE-M3 at the reference's lengths on simulated cards: no error after step 1, and no memory idle."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pipeline.device.compiled import busy_positions
from pipeline.embedding.length_buckets import BlockShape
from pipeline.engine import build, cached_loss, trainer
from pipeline.engine.cached_loss import PooledRankingLoss
from pipeline.engine.fit import fit
from pipeline.engine.graph_budget import granted
from pipeline.engine.recipe import Hardware, Recipe
from pipeline.engine.trainer import EngineTrainer
from tests.support import tiny
from tests.support.simulated_card import WORK, Card, bge_m3, hold

pytestmark = pytest.mark.filterwarnings("ignore:.*lr_scheduler.step.*:UserWarning")
# Measured on an H200: eager layers, and compiled ones that recompute what is cheap.
EAGER, COMPILED = 1.045e6, 0.60e6
STEPS, BATCH = 2, 2048


@dataclass
class Step:
    """What one step kept of its blocks, what it could have kept, and its largest block, in bytes."""

    kept: float
    fitting: float
    largest: float


@cache
def split(rows: int, mean: int, most: int) -> dict[str, list[str]]:
    draw = np.random.default_rng(0)

    def texts() -> list[str]:
        lengths = np.clip(draw.normal(mean, 8, rows), 8, most).astype(int) - 2
        return [tiny.text(draw.integers(0, 40, length).tolist()) for length in lengths]

    return {"query": texts(), "positive": texts(), "negative": texts()}


@pytest.mark.parametrize("per_position", [EAGER, COMPILED])
@pytest.mark.parametrize(
    ("gigabytes", "rate"),
    [(16, 121e12), (24, 165e12), (40, 312e12), (48, 362e12), (80, 989e12), (141, 989e12)],
)
def test_card_is_used_and_never_too_small(
    encoder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    gigabytes: int,
    rate: float,
    per_position: float,
) -> None:
    whole = bge_m3()
    sizes = [4 * parameter.numel() for parameter in whole.parameters()]
    card = Card(gigabytes * 1e9 - 1e9, per_position)  # the context takes its part
    weights = card.allocate(sum(sizes))
    steps: list[Step] = []
    held: list[tuple[int, int]] = []
    during: list[tuple[int, int]] = []
    stepping: list[int] = []

    def encode(loss: PooledRankingLoss, block: dict[str, Any]) -> torch.Tensor:
        if stepping and not during:  # gradients, and weights in half precision, of this step
            during.extend([card.allocate(sum(sizes)), card.allocate(sum(sizes) / 2)])
        ids = block["input_ids"]
        embeddings: torch.Tensor = next(loss.model.parameters())[ids[:, :4]].sum(dim=1)
        if torch.is_grad_enabled():
            return hold(embeddings, card, ids.numel(), max(sizes))
        with card.briefly(WORK * card.graph(ids.numel())):
            return embeddings

    step = EngineTrainer.training_step

    def stepped(
        self: EngineTrainer, model: torch.nn.Module, inputs: dict[str, Any], count: Any = None
    ) -> Any:
        # AdamW's moments are made in the first step.
        free = card.free() - 1.5 * sum(sizes) - max(sizes) - (0 if steps else 2 * sum(sizes))
        stepping.append(1)
        loss = step(self, model, inputs, count)
        stepping.clear()
        graphs = [card.graph(block["input_ids"].numel()) for block in inputs["blocks"]]
        fitting = [float(kept) for kept in np.cumsum(graphs) if kept + WORK * max(graphs) <= free]
        spent = float(self.ranking_loss.budget.spent)
        steps.append(Step(spent, max(fitting, default=0.0), max(graphs)))
        if not held:
            held.append(card.allocate(2 * sum(sizes)))
        for part in during:
            card.give_back(part)
        during.clear()
        return loss

    monkeypatch.setattr(PooledRankingLoss, "encode", encode)
    monkeypatch.setattr(EngineTrainer, "training_step", stepped)
    for module in (build, cached_loss, trainer):
        monkeypatch.setattr(module, "memory_of", lambda model: card)
    monkeypatch.setattr(
        build, "granted", lambda memory, model, half_weights: granted(memory, whole, half_weights=True)
    )
    monkeypatch.setattr(build, "block_shape", lambda device, bf16: BlockShape(32768, overhead=2048))
    least = busy_positions(whole, 303_000_000, rate)
    monkeypatch.setattr(build, "busy_positions", lambda *given: least)
    model = tiny.load(encoder)
    model.max_seq_length = 64
    recipe = Recipe(dims=(16,), batch_size=BATCH, eval_batch_size=8, max_steps=STEPS, bf16=False)
    trained = fit(
        model, split(STEPS * BATCH, 25, 64), split(16, 8, 16), recipe, Hardware(threads=1), tmp_path
    )
    assert trained.steps == STEPS
    assert trained.out_of_memory_errors == 0
    for one in steps[1:]:  # or one block less, where blocks are large for the card
        assert one.kept >= min(0.9 * one.fitting, one.fitting - one.largest)
    card.give_back(weights)
    card.give_back(held[0])
    assert card.allocated() == 0, "a graph is still referred to"
