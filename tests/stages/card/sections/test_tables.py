"""Sentences of a card, each from a record."""

from typing import Any

import pytest

from pipeline.stages.card.sections import tables
from tests.support.golden_records import GOLDEN, PARAMS


def context(**changes: Any) -> dict[str, Any]:
    read = tables.Read(
        **{
            "pin": GOLDEN.pin,
            "audit": GOLDEN.audit,
            "training": GOLDEN.training,
            "metrics": GOLDEN.metrics,
            "verdict": GOLDEN.verdict,
            "reembed": GOLDEN.reembed,
        }
        | changes
    )
    return tables.context(PARAMS, read, {}, "v2")


def trained(**changes: Any) -> Any:
    return GOLDEN.training.model_copy(update=changes)


@pytest.mark.parametrize(("device", "gpu"), [("cpu Some CPU", False), ("cuda NVIDIA H100", True)])
def test_gpu_is_said_of_a_gpu_alone(device: str, gpu: bool) -> None:
    speed = GOLDEN.training.speed.model_copy(update={"device": device})
    assert ("GPU" in context(training=trained(speed=speed))["again"]) is gpu


@pytest.mark.parametrize(
    ("joules", "said"), [(None, "not measured"), (7200.0, "2.0 Wh in training"), (3.6e7, "10,000.0 Wh")]
)
def test_energy_is_in_watt_hours_or_was_not_measured(joules: float | None, said: str) -> None:
    speed = GOLDEN.training.speed.model_copy(update={"energy_joules": joules})
    assert context(training=trained(speed=speed))["energy"].startswith(said)


@pytest.mark.parametrize(
    ("found", "shown"),
    [
        ({"warmup_steps": 0.1, "warmup_ratio": None}, {"warmup_steps"}),
        ({"warmup_steps": 0, "warmup_ratio": 0.1}, {"warmup_ratio"}),
        ({"warmup_steps": 5}, {"warmup_steps"}),
    ],
)
def test_warm_up_is_named_once(found: dict[str, Any], shown: set[str]) -> None:
    assert set(context(training=trained(hyperparameters=found))["hyperparameters"]) == shown


def test_prompts_of_no_letters_are_none() -> None:
    assert context(training=trained(prompts={"query": "", "document": ""}))["prompts"] == "none"
    assert 'query `"q: "`' in context(training=trained(prompts={"query": "q: ", "document": ""}))["prompts"]


def test_heads_that_the_base_had_are_named() -> None:
    assert context()["heads"] == ""
    base = GOLDEN.pin.base.model_copy(update={"unused": ("colbert_linear.pt", "sparse_linear.pt", "x.onnx")})
    found = context(pin=GOLDEN.pin.model_copy(update={"base": base}))["heads"]
    assert found == "sparse (lexical) head and multi-vector (ColBERT) head"
