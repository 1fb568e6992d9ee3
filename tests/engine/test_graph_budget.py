"""The memory budget: what is granted, what is kept of it, and how an error is lived with."""

from pathlib import Path

import pytest
import torch

from pipeline.device.hardware import free_memory_bytes
from pipeline.device.memory import HostMemory, memory_of
from pipeline.engine.graph_budget import GraphBudget, granted
from tests.support import tiny


def test_budget_keeps_graphs_until_it_is_spent() -> None:
    budget = GraphBudget(1000)
    budget.start_batch(largest=100)
    kept = [budget.keep(100) for _ in range(12)]
    assert kept == [True] * 9 + [False] * 3  # a quarter of the largest is set aside to compute with
    budget.start_batch(largest=100)
    assert budget.spent == 0
    assert budget.keep(100)


def test_budget_of_zero_keeps_nothing() -> None:
    budget = GraphBudget(0)
    budget.start_batch(largest=1)
    assert not budget.keep(1)
    assert not budget.one_block_less()
    assert budget.out_of_memory_errors == 1


def test_budget_loses_one_block_per_error_and_gets_it_back_in_time() -> None:
    budget = GraphBudget(1000)

    def step() -> int:
        budget.start_batch(largest=100)
        return sum(budget.keep(100) for _ in range(20))

    assert step() == 9
    assert budget.one_block_less()
    assert step() == 8
    assert budget.one_block_less()
    assert step() == 7
    counts = []
    for _ in range(48):
        budget.finish_batch()
        counts.append(step())
    assert counts[:15] == [7] * 15
    assert counts[15] == 8
    assert counts[-1] == 9
    assert budget.out_of_memory_errors == 2


def test_budget_asks_at_each_step_how_much_is_granted() -> None:
    asked = []

    def grant(steps: int) -> int:
        asked.append(steps)
        return 500 if steps else 100

    budget = GraphBudget(grant)
    for _ in range(2):
        budget.start_batch(largest=10)
        budget.finish_batch()
    budget.start_batch(largest=10)
    assert asked == [0, 0, 1, 2]
    assert budget.limit == 500


class Steady:
    """A device's memory of which everything is known."""

    share, steady = 0.5, True

    def free(self) -> int:
        return 1000

    def graph_bytes(self, encode: object, block: object) -> int:
        raise NotImplementedError

    def release(self) -> None:
        """Nothing to do."""


def test_granted_sets_aside_what_a_step_allocates_beside_graphs() -> None:
    model = torch.nn.Linear(4, 3)  # 15 numbers: 60 bytes, the largest parameter 48
    at = granted(Steady(), model, half_weights=False)
    assert at(0) == 0.5 * (1000 - 60 - 48 - 120)
    assert at(1) == 0.5 * (1000 - 60 - 48)
    half = granted(Steady(), model, half_weights=True)
    assert half(1) == 0.5 * (1000 - 60 - 48 - 30)


def test_granted_on_a_cpu_is_asked_once(encoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny.load(encoder)
    memory = memory_of(model)
    at = granted(memory, model, half_weights=False)
    monkeypatch.setattr(HostMemory, "free", lambda self: 0)
    assert 0 < at(0) == at(5) < free_memory_bytes(torch.device("cpu"))
