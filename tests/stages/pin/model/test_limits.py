"""A recipe that asks for more tokens or dimensions than a base says it has is refused."""

from typing import Any

import pytest

from pipeline.errors import InvalidParams
from pipeline.params import load
from pipeline.params.model import ModelParams
from pipeline.stages.pin.model.limits import positions, refuse_recipe
from tests.support.workspaces import PROJECT

DENSE = [{"type": "sentence_transformers.models.Transformer", "path": "0_T"}] + [
    {"type": f"sentence_transformers.models.{kind}", "path": kind} for kind in ("Pooling", "Dense")
]


def recipe(tokens: int, width: int) -> ModelParams:
    changes = {"max_seq_length": tokens, "dims": (width, 8)}
    return load(PROJECT).model.model_copy(update=changes)


@pytest.mark.parametrize(
    ("config", "most"),
    [
        ({"max_position_embeddings": 512, "model_type": "bert", "pad_token_id": 0}, 512),
        ({"max_position_embeddings": 514, "model_type": "mpnet"}, 512),
        ({"max_position_embeddings": 514, "model_type": "xlm-roberta", "pad_token_id": 1}, 512),
        ({"max_position_embeddings": 8194, "model_type": "xlm-roberta", "pad_token_id": 1}, 8192),
        ({"max_position_embeddings": "many"}, None),
        ({}, None),
    ],
)
def test_model_limits_count_positions_from_behind_the_padding(
    config: dict[str, Any], most: int | None
) -> None:
    assert positions(config) == most


@pytest.mark.parametrize(
    ("configs", "said"),
    [
        ({"config.json": {"max_position_embeddings": 34, "model_type": "camembert"}}, "has 32 positions"),
        ({"config.json": {"max_position_embeddings": 33}}, "has 33 positions"),
        ({"config.json": {"hidden_size": 63}}, "asks for 64 dimensions and o/n has 63"),
        ({"modules.json": DENSE, "0_T/config.json": {"max_position_embeddings": 33}}, "has 33 positions"),
    ],
)
def test_model_limits_refuse_a_recipe_beyond_them(configs: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidParams, match=said):
        refuse_recipe(configs, recipe(34, 64), "o/n")


@pytest.mark.parametrize(
    "configs",
    [
        {},
        {"config.json": {"max_position_embeddings": 34, "hidden_size": 64}},
        # What a Dense layer makes of it, only the trial knows.
        {"modules.json": DENSE, "0_T/config.json": {"hidden_size": 32}},
    ],
)
def test_model_limits_let_the_rest_to_the_trial(configs: dict[str, Any]) -> None:
    refuse_recipe(configs, recipe(34, 64), "o/n")
