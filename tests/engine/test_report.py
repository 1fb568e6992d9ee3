"""A training's log becomes a row per step."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.engine import report
from pipeline.engine.recipe import Recipe
from pipeline.engine.trainer import Work
from tests.support import tiny

RECIPE = Recipe(dims=(16, 8), query_prompt="q: ")
COST = report.Cost(start=0.0, seconds=10.0, bf16=False, compiled=False, numerics="n", threads=1)
WORK = Work(
    triplets=80,
    tokens=900,
    repeated_tokens=100,
    padding=200,
    second_forward=500,
    evaluation_seconds=2.0,
    base_evaluation_seconds=0.5,
    first_step_ended=3.0,
)


def run(encoder: Path, *entries: dict[str, Any], work: Work = WORK, cost: report.Cost = COST) -> Any:
    trainer: Any = SimpleNamespace(
        work=work,
        model=tiny.load(encoder),
        args=SimpleNamespace(to_json_string=lambda: json.dumps({"seed": 1, "prompts": {"text0": "q: "}})),
        state=SimpleNamespace(log_history=list(entries), global_step=9),
    )
    return report.report(trainer, RECIPE, ("query", "positive"), cost)


def test_loss_and_evaluation_of_a_step_are_one_row(encoder: Path) -> None:
    found = run(
        encoder,
        {"step": 2, "epoch": 0.5, "loss": 3.0, "learning_rate": 0.1},
        {"step": 0, "epoch": 0, "eval_loss": 4.0, "eval_accuracy_16": 0.5, "eval_accuracy_8": 0.4},
        {"step": 2, "epoch": 0.5, "eval_loss": 2.0, "eval_accuracy_16": 0.7},
        {"step": 3, "epoch": 0.75, "train_runtime": 9.0},
    )
    first, second = found.curve
    assert (first.step, first.training_loss, first.accuracy) == (0, None, {16: 0.5, 8: 0.4})
    assert (second.training_loss, second.validation_loss, second.accuracy) == (3.0, 2.0, {16: 0.7})


def test_rates_leave_evaluation_out_and_shares_are_of_what_was_encoded(encoder: Path) -> None:
    found = run(encoder)
    assert found.speed.triplets_per_second == 10.0
    assert found.speed.tokens_per_second == 112.5
    assert found.speed.padding_share == 0.2  # 200 of 900 - 100 + 200
    assert found.speed.second_forward_share == 0.5
    assert found.repeated_text_share == pytest.approx(1 / 9)
    assert found.warmup_seconds == 2.5
    assert found.speed.hardware_flops_utilisation > found.speed.model_flops_utilisation > 0


def test_training_of_nothing_divides_by_nothing(encoder: Path) -> None:
    found = run(encoder, work=Work(), cost=replace(COST, seconds=1.0))
    assert (found.speed.padding_share, found.speed.second_forward_share, found.repeated_text_share) == (
        0,
        0,
        0,
    )


def test_prompts_stand_under_the_names_that_the_user_gave(encoder: Path) -> None:
    assert run(encoder).training_arguments["prompts"] == {"query": "q: "}
