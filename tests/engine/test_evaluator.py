"""The dev split is scored as the stock evaluators and the stock loss score it."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from sentence_transformers.sentence_transformer.evaluation import TripletEvaluator

from pipeline.embedding.encode import EncodingStopped
from pipeline.embedding.length_buckets import block_shape
from pipeline.engine.evaluator import DevEvaluator
from pipeline.engine.recipe import Recipe
from tests.support import tiny

RECIPE = Recipe(dims=(16, 8), eval_batch_size=4, query_prompt="w38 : ", document_prompt="w39 : ")
SHAPE = block_shape(torch.device("cpu"), False)
DEV = {
    "query": [tiny.text([i, i + 1]) for i in range(9)],
    "positive": [tiny.text([i, i + 1, 20]) for i in range(9)],
    "negative": [tiny.text([i + 9, 30]) for i in range(9)],
}


@pytest.mark.parametrize("dim", RECIPE.dims)
def test_accuracy_is_that_of_the_stock_evaluator(encoder: Path, dim: int) -> None:
    model = tiny.load(encoder, normalize=True)
    evaluate = DevEvaluator(model, DEV, RECIPE, SHAPE, bf16=False, with_loss=False)
    found = evaluate(model)
    assert set(found) == {"accuracy_16", "accuracy_8"}
    queries, positives, negatives = (
        [f"{RECIPE.prompt(name)}{text}" for text in texts] for name, texts in DEV.items()
    )
    stock = TripletEvaluator(queries, positives, negatives, truncate_dim=dim)
    assert found[f"accuracy_{dim}"] == pytest.approx(stock(model)["cosine_accuracy"])


def test_evaluation_ends_between_two_blocks_where_somebody_asks_for_it(encoder: Path) -> None:
    model = tiny.load(encoder)
    one_text = replace(SHAPE, tokens=1)
    evaluate = DevEvaluator(model, DEV, RECIPE, one_text, bf16=False, with_loss=True)
    answers = iter([False, False, True])
    evaluate.stopping = lambda: next(answers)
    with pytest.raises(EncodingStopped):
        evaluate(model)
    assert list(answers) == []


def test_rows_with_several_negatives_are_right_where_every_one_is_beaten(encoder: Path) -> None:
    model = tiny.load(encoder, normalize=True)
    more = DEV | {"negative_2": DEV["positive"]}  # nothing beats itself
    assert DevEvaluator(model, more, RECIPE, SHAPE, bf16=False, with_loss=False)(model) == {
        "accuracy_16": 0.0,
        "accuracy_8": 0.0,
    }


def test_loss_is_the_mean_over_rows_whatever_the_last_batch_holds(encoder: Path) -> None:
    model = tiny.load(encoder, normalize=True)
    whole = DevEvaluator(model, DEV, replace(RECIPE, eval_batch_size=9), SHAPE, bf16=False, with_loss=True)
    cut = DevEvaluator(model, DEV, RECIPE, SHAPE, bf16=False, with_loss=True)
    assert sorted(row for rows in cut.batches for row in rows.tolist()) == list(range(9))
    assert cut(model)["loss"] < whole(model)["loss"]  # fewer negatives in a batch
    assert cut(model) == cut(model)
    double = replace(RECIPE, weights=(2.0, 2.0))
    twice = DevEvaluator(model, DEV, double, SHAPE, bf16=False, with_loss=True)(model)["loss"]
    assert twice == pytest.approx(2 * cut(model)["loss"])
