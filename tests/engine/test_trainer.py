"""What the trainer does where memory is short, and what a step draws from."""

import random
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from pipeline.embedding.length_buckets import block_shape
from pipeline.engine import trainer
from pipeline.engine.trainer import EngineTrainer, Work
from pipeline.errors import TrainingFailed
from tests.support import tiny

SHAPE = block_shape(torch.device("cpu"), False)


class Budget:
    """Keeps so many graphs."""

    def __init__(self, kept: int) -> None:
        self.kept = kept

    def one_block_less(self) -> bool:
        self.kept -= 1
        return self.kept >= 0


def short_of_memory(kept: int, rows: int) -> tuple[Any, dict[str, Any]]:
    """Give a trainer that was told of an out-of-memory, and the batch that it happened in."""
    made: Any = EngineTrainer.__new__(EngineTrainer)
    made.ranking_loss = SimpleNamespace(budget=Budget(kept), repeated_positions=0)
    made.data_collator = SimpleNamespace(shape=SHAPE)
    made.state = SimpleNamespace(global_step=6)
    made.args = SimpleNamespace(output_dir="nowhere")
    made._rows = [1, 2]
    made.work = Work()
    return made, {"blocks": [{"input_ids": torch.zeros(rows, 3, dtype=torch.long)}]}


def test_one_graph_less_is_kept_before_blocks_are_halved() -> None:
    made, inputs = short_of_memory(kept=1, rows=4)
    made._spend_less(inputs, "full")
    assert made.data_collator.shape == SHAPE
    made._spend_less(inputs, "full")
    assert made.data_collator.shape.tokens == SHAPE.tokens // 2


def test_sequence_that_does_not_fit_alone_ends_the_training_with_its_rows() -> None:
    made, inputs = short_of_memory(kept=0, rows=1)
    with pytest.raises(
        TrainingFailed,
        match=r"step 7: out of memory with one sequence at a time \(full\); rows of the batch .*\[1, 2\]; "
        "last good checkpoint: none",
    ):
        made._spend_less(inputs, "full")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_loss_that_is_no_number_ends_the_training(value: float) -> None:
    made, _ = short_of_memory(kept=0, rows=1)
    made._stop_unless_finite("loss", 0.0)
    with pytest.raises(TrainingFailed, match=r"the loss is (nan|inf), wanted a finite number"):
        made._stop_unless_finite("loss", value)


def test_work_is_counted_by_what_was_encoded() -> None:
    made, inputs = short_of_memory(kept=0, rows=4)
    inputs |= {"token_count": 20, "distinct_token_count": 10, "padding": 2, "long_sequence_count": 1}
    made._count(inputs)
    made._count(inputs)
    work = made.work
    assert (work.tokens, work.repeated_tokens, work.padding, work.long_sequences) == (40, 20, 4, 2)


def test_step_that_starts_over_draws_the_same(encoder: Path) -> None:
    model = tiny.load(encoder)
    restore = trainer._random_state(model)
    first = random.random(), torch.rand(3).tolist()
    restore()
    assert (random.random(), torch.rand(3).tolist()) == first
