"""The memory budget: what a graph costs, and what that decides."""

import weakref
from pathlib import Path

import torch

from pipeline.embedding.hardware import free_memory_bytes
from pipeline.engine.graph_budget import GraphBudget, default_budget
from tests.support import tiny


def test_measure_counts_what_autograd_saves_and_no_parameter() -> None:
    layer = torch.nn.Linear(8, 4)
    budget = GraphBudget(1000)
    x = torch.randn(10, 8, requires_grad=True)
    with budget.measure(10, 1, layer):
        y = layer(x)
        y.square().sum().backward()
    # Saved: the layer's input (10 x 8 floats) and the square's input (10 x 4), not the weight.
    assert budget._bytes_per_row[1] == 4 * (80 + 40) / 10


def test_measure_leaves_no_graph_behind() -> None:
    layer = torch.nn.Linear(8, 4)
    with GraphBudget(0).measure(1, 1, layer):
        # A softmax saves its own output: kept as it is, it would hold the graph that holds it.
        y = torch.softmax(layer(torch.randn(10, 8)), dim=1)
    left = weakref.ref(y.untyped_storage())
    del y
    assert left() is None


def test_budget_keeps_graphs_until_it_is_spent() -> None:
    layer = torch.nn.Linear(8, 8)
    budget = GraphBudget(1000)
    assert not budget.knows(3)
    with budget.measure(5, 3, layer):
        layer(torch.randn(5, 8, requires_grad=True))
    assert budget.knows(3)
    assert budget.fits(5, 3)  # 5 rows of 8 floats: 160 bytes
    for _ in range(6):
        budget.keep(5, 3)
    assert not budget.fits(5, 3)
    budget.halve()
    assert (budget.limit, budget.halvings) == (480, 1)
    budget.start_batch()
    assert budget.fits(5, 3)
    budget.halve()
    assert (budget.limit, budget.halvings) == (0, 2)


def test_budget_of_zero_keeps_nothing() -> None:
    layer = torch.nn.Linear(2, 2)
    budget = GraphBudget(0)
    with budget.measure(1, 1, layer):
        layer(torch.randn(1, 2, requires_grad=True))
    assert not budget.fits(1, 1)


def test_default_budget_is_a_share_of_what_is_free(encoder: Path) -> None:
    device = torch.device("cpu")
    assert 0 < default_budget(tiny.load(encoder), device) < free_memory_bytes(device)
