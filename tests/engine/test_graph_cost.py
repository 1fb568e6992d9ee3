"""What a graph costs: measured on three small blocks, right for every other one."""

import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pipeline.device.memory import HostMemory
from pipeline.embedding.length_buckets import BlockShape
from pipeline.embedding.tokens import tokenize
from pipeline.engine.cached_loss import PooledRankingLoss
from pipeline.engine.graph_budget import GraphBudget
from pipeline.engine.graph_cost import GraphCost, measure_cost
from tests.support import tiny


def test_graph_bytes_counts_what_autograd_saves_and_no_parameter() -> None:
    layer = torch.nn.Linear(8, 4)
    held = HostMemory(layer).graph_bytes(
        lambda block: layer(block["x"]).square().sum(), {"x": torch.randn(10, 8, requires_grad=True)}
    )
    # Saved: the layer's input (10 x 8 floats) and the square's input (10 x 4), not the weight.
    assert held == 4 * (80 + 40)


def test_graph_bytes_leaves_no_graph_behind() -> None:
    layer, left = torch.nn.Linear(8, 4), []

    def encode(block: dict[str, Any]) -> torch.Tensor:
        # A softmax saves its own output: kept as it is, it would hold the graph that holds it.
        y = torch.softmax(layer(block["x"]), dim=1)
        left.append(weakref.ref(y.untyped_storage()))
        return y

    HostMemory(layer).graph_bytes(encode, {"x": torch.randn(10, 8)})
    assert left[0]() is None


def test_cost_is_linear_in_rows() -> None:
    cost = GraphCost(per_block=100, per_position=10, per_square=1)
    assert cost(2, 3) == 100 + 2 * (3 * 10 + 9)
    assert cost(4, 3) - cost(2, 3) == cost(2, 3) - cost.per_block


@pytest.mark.parametrize("few", [2, 24])
def test_measured_cost_foretells_other_blocks(dropout_encoder: Path, few: int) -> None:
    model = tiny.load(dropout_encoder)
    model.train()
    loss = PooledRankingLoss(model, shape=BlockShape(100), budget=GraphBudget(0))
    tokens, _ = tokenize(model, [([tiny.text([i % 40 for i in range(few)])], None)])

    def block(rows: int, width: int) -> dict[str, Any]:
        return tokens.pad(np.zeros(1, np.int64), rows, width)

    memory = HostMemory(model)
    cost = measure_cost(loss.encode, block(1, 2), longest=few, memory=memory)
    for rows, width in ((1, few), (40, min(few, 7)), (100, few)):
        assert cost(rows, width) == pytest.approx(
            memory.graph_bytes(loss.encode, block(rows, width)), rel=0.02
        )


def test_measuring_draws_no_dropout_masks(dropout_encoder: Path) -> None:
    model = tiny.load(dropout_encoder)
    model.train()
    loss = PooledRankingLoss(model, shape=BlockShape(100), budget=GraphBudget(0))
    tokens, _ = tokenize(model, [([tiny.text([1, 2, 3])], None)])
    before = torch.get_rng_state()
    cost = loss.measure(tokens.pad(np.zeros(1, np.int64), 4, 5), longest=20)
    assert torch.equal(torch.get_rng_state(), before)
    assert loss.budget.cost is cost
