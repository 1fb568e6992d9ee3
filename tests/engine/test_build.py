"""The recipe in the words of the Hugging Face trainer, and the texts that the engine numbers ahead."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pipeline.engine import build
from pipeline.engine.recipe import Recipe
from pipeline.errors import InvalidParams
from tests.support import tiny

CPU = torch.device("cpu")
RECIPE = Recipe(dims=(16, 8), batch_size=4, eval_steps=3, query_prompt="w38 : ", document_prompt="w39 : ")
COLUMNS = ("query", "positive", "negative", "negative_2")


def test_arguments_are_the_recipe(tmp_path: Path) -> None:
    found = build.training_arguments(RECIPE, CPU, tmp_path, False, COLUMNS)
    assert (found.per_device_train_batch_size, found.eval_steps, found.logging_steps) == (4, 3, 3)
    assert found.save_strategy == "no"
    assert found.report_to == []
    assert found.use_cpu
    assert found.dataloader_num_workers == 0
    assert found.n_gpu <= 1


def test_prompts_go_to_names_of_which_none_is_a_prefix_of_another(tmp_path: Path) -> None:
    found = build.training_arguments(RECIPE, CPU, tmp_path, False, COLUMNS).prompts
    assert list(found.values()) == ["w38 : ", "w39 : ", "w39 : ", "w39 : "]  # type: ignore[union-attr]
    names = list(found)  # type: ignore[arg-type]
    assert not [(one, other) for one in names for other in names if one != other and other.startswith(one)]


def test_evaluation_that_is_never_asked_for_is_turned_off(tmp_path: Path) -> None:
    never = replace(RECIPE, eval_steps=0, query_prompt=None, document_prompt=None)
    found = build.training_arguments(never, CPU, tmp_path, False, COLUMNS)
    assert (found.eval_strategy, found.logging_steps, found.prompts) == ("no", 10, None)
    assert (
        build.training_arguments(replace(never, logging_steps=7), CPU, tmp_path, False, COLUMNS).logging_steps
        == 7
    )


def test_equal_texts_have_one_number_and_each_prompt_its_own_tokens(encoder: Path) -> None:
    model = tiny.load(encoder)
    train = {"query": ["w1", "w2", "w3", "w4"], "positive": ["w1", "w5", "w6", "w7"]}
    found = build.train_texts(model, train, replace(RECIPE, batch_size=2))
    assert found.texts[0, 0] == found.texts[1, 0]
    assert found.numbers[0, 0] != found.numbers[1, 0]  # one is a query, the other a document
    assert found.token_count == 8 * 5  # [CLS], w38 or w39, the colon, the word, [SEP]
    assert found.texts.dtype == np.int64


@pytest.mark.parametrize("sampler", ["no_duplicates", "batch"])
def test_batch_that_duplicates_leave_unfilled_is_refused_with_what_fits(encoder: Path, sampler: str) -> None:
    model = tiny.load(encoder)
    train = {"query": ["w1", "w1", "w2", "w2"], "positive": ["w5", "w6", "w7", "w8"]}
    recipe = replace(RECIPE, batch_sampler=sampler)  # type: ignore[arg-type]
    if sampler == "batch":
        assert build.train_texts(model, train, recipe).texts.shape == (2, 4)
        return
    with pytest.raises(InvalidParams, match=r"train.batch_size: 4, but .* Set train.batch_size to 2 or less"):
        build.train_texts(model, train, recipe)
