"""The loss against sentence-transformers' own: value, gradients, dropout masks, precision, memory."""

import random
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.losses import (
    CachedMultipleNegativesRankingLoss,
    MatryoshkaLoss,
)

from pipeline.embedding.length_buckets import BlockShape
from pipeline.embedding.tokens import tokenize
from pipeline.engine.cached_loss import NestedMatryoshkaLoss, PooledRankingLoss
from pipeline.engine.graph_budget import GraphBudget
from pipeline.engine.pooled_batch import PooledBatch, pool
from tests.support import tiny

PLENTY = 1 << 40
LABELS = torch.empty(0)


@cache
def shared_model(encoder: Path, pooling: str, dtype: torch.dtype) -> SentenceTransformer:
    return tiny.load(encoder, pooling=pooling, dtype=dtype)


@st.composite
def batches(draw: st.DrawFn) -> dict[str, Any]:
    """A batch of any shape, its texts drawn from few enough that many repeat, and a loss to match."""
    words = st.lists(st.integers(0, 39), min_size=1, max_size=draw(st.sampled_from([3, 30])))
    pool_of_texts = draw(st.lists(words.map(tiny.text), min_size=2, max_size=20, unique=True))
    rows = draw(st.integers(2, 9))
    column = st.lists(st.sampled_from(pool_of_texts), min_size=rows, max_size=rows)
    dims = draw(st.lists(st.integers(1, tiny.WIDTH), min_size=1, max_size=5, unique=True))
    weights = st.lists(st.floats(0.1, 3), min_size=len(dims), max_size=len(dims))
    return {
        "columns": draw(st.lists(column, min_size=2, max_size=5)),
        "dims": dims,
        "weights": draw(st.none() | weights),
        "dims_per_step": draw(st.sampled_from([-1, 1, 2])),
        "scale": draw(st.sampled_from([1.0, 20.0])),
        "stock_mini_batch": draw(st.integers(1, 9)),
        "shape": BlockShape(draw(st.integers(1, 200)), few_shapes=draw(st.booleans())),
        "budget": draw(st.sampled_from([0, 50_000, PLENTY])),
        "pooling": draw(st.sampled_from(["mean", "cls"])),
        "ahead": draw(st.booleans()),
    }


def backward(
    model: SentenceTransformer, loss: torch.nn.Module, features: Any
) -> tuple[float, list[torch.Tensor]]:
    """Loss and gradients of one step."""
    model.zero_grad()
    random.seed(7)
    value = loss(features, LABELS)
    value.backward()
    return value.item(), [gradient.clone() for gradient in tiny.gradients(model)]


def both(case: dict[str, Any], model: SentenceTransformer) -> list[tuple[float, list[torch.Tensor]]]:
    model.eval()
    dims = (case["dims"], case["weights"], case["dims_per_step"])
    stock = MatryoshkaLoss(
        model,
        CachedMultipleNegativesRankingLoss(
            model, scale=case["scale"], mini_batch_size=case["stock_mini_batch"]
        ),
        *dims,
    )
    pooled = PooledRankingLoss(
        model, shape=case["shape"], budget=GraphBudget(case["budget"]), scale=case["scale"]
    )
    ours = NestedMatryoshkaLoss(model, pooled, *dims)
    taken: Any = tiny.features(model, case["columns"])
    if case["ahead"]:
        tokens, numbers = tokenize(model, [(column, None) for column in case["columns"]])
        taken = pool(tokens, numbers, case["shape"])
    return [
        backward(model, stock, tiny.features(model, case["columns"])),
        backward(model, ours, taken),
    ]


def whole_norm(gradients: list[torch.Tensor]) -> float:
    return float(torch.cat([gradient.flatten() for gradient in gradients]).norm())


def terms(case: dict[str, Any]) -> float:
    """Size of the terms that a gradient sums up.

    Where they cancel out (one text all over, or a single dimension) only their rounding stays, for stock as
    for us, and there is nothing to compare.
    """
    return float(case["scale"] * sum(case["weights"] or [1.0] * len(case["dims"])))


QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much]


@settings(max_examples=60, deadline=None, suppress_health_check=QUIET)
@given(case=batches())
def test_loss_and_every_gradient_are_stock_in_double_precision(encoder: Path, case: dict[str, Any]) -> None:
    model = shared_model(encoder, case["pooling"], torch.float64)
    (stock_loss, stock), (our_loss, ours) = both(case, model)
    assert our_loss == pytest.approx(stock_loss, rel=1e-10, abs=1e-12)
    whole = whole_norm(stock)
    assume(whole > 1e-3 * terms(case))
    for theirs, mine in zip(stock, ours, strict=True):
        assert float((mine - theirs).norm()) <= 1e-8 * max(float(theirs.norm()), 1e-4 * whole)


ALIKE: dict[str, Any] = {
    "weights": None,
    "dims_per_step": -1,
    "stock_mini_batch": 1,
    "shape": BlockShape(tokens=1),
    "budget": 0,
    "ahead": False,
}


@settings(max_examples=30, deadline=None, suppress_health_check=QUIET)
@given(case=batches())
@example(
    case=ALIKE
    | {"dims": [4], "scale": 20.0, "pooling": "cls"}
    | {"columns": [["w16 w26"] * 4, [*["w16 w26"] * 3, "w10 w1 w1"]]}
)
@example(
    case=ALIKE
    | {"dims": [1, 2], "scale": 1.0, "pooling": "mean"}
    | {"columns": [["w0"] * 7, ["w0"] * 7, [*["w0"] * 6, "w0 w0"]]}
)
def test_loss_and_whole_gradient_are_stock_in_single_precision(encoder: Path, case: dict[str, Any]) -> None:
    model = shared_model(encoder, case["pooling"], torch.float32)
    (stock_loss, stock), (our_loss, ours) = both(case, model)
    assert our_loss == pytest.approx(stock_loss, rel=1e-5, abs=1e-6)
    difference = whole_norm([mine - theirs for theirs, mine in zip(stock, ours, strict=True)])
    assume(whole_norm(stock) > 0.05 * terms(case))
    assert difference <= 1e-5 * whole_norm(stock)


COLUMNS = [[tiny.text([i, *range(j, j + 3 * j + 1)]) for i in range(6)] for j in range(3)]


def dropout_step(
    model: SentenceTransformer, budget: int, autocast: bool = False
) -> tuple[float, list[torch.Tensor], PooledRankingLoss]:
    model.train()
    model.zero_grad()
    torch.manual_seed(3)
    pooled = PooledRankingLoss(model, shape=BlockShape(40), budget=GraphBudget(budget))
    loss = NestedMatryoshkaLoss(model, pooled, [16, 4])
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        value = loss(tiny.features(model, COLUMNS), LABELS)
    value.backward()
    return value.item(), [g.clone() for g in tiny.gradients(model)], pooled


@pytest.mark.parametrize("budget", [0, 200_000])
def test_loss_repeats_the_dropout_masks_of_the_first_pass(dropout_encoder: Path, budget: int) -> None:
    model = tiny.load(dropout_encoder, dtype=torch.float64)
    kept_loss, kept, kept_pass = dropout_step(model, PLENTY)
    loss, repeated, repeated_pass = dropout_step(model, budget)
    assert kept_pass.repeated_positions == 0
    assert repeated_pass.repeated_positions > 0
    assert loss == kept_loss
    assert all(torch.allclose(a, b, rtol=1e-10, atol=1e-12) for a, b in zip(kept, repeated, strict=True))
    model.eval()
    pooled = PooledRankingLoss(model, shape=BlockShape(40), budget=GraphBudget(0))
    assert NestedMatryoshkaLoss(model, pooled, [16, 4])(tiny.features(model, COLUMNS), LABELS) != loss


def test_loss_leaves_the_random_generator_where_kept_graphs_leave_it(dropout_encoder: Path) -> None:
    states = []
    for budget in (0, PLENTY):
        dropout_step(tiny.load(dropout_encoder), budget)
        states.append(torch.get_rng_state())
    assert torch.equal(*states)


def test_loss_gives_the_same_gradients_under_autocast_kept_or_repeated(encoder: Path) -> None:
    model = tiny.load(encoder)
    _, kept, _ = dropout_step(model, PLENTY, autocast=True)
    _, repeated, _ = dropout_step(model, 0, autocast=True)
    _, partly, _ = dropout_step(model, 100_000, autocast=True)
    whole = whole_norm(kept)
    for other in (repeated, partly):
        assert whole_norm([a - b for a, b in zip(kept, other, strict=True)]) <= 0.02 * whole
    assert whole_norm([k - g for k, g in zip(kept, dropout_step(model, 0)[1], strict=True)]) <= 0.1 * whole


def test_loss_scales_gradients_with_the_outer_backward_pass(encoder: Path) -> None:
    model = tiny.load(encoder, dtype=torch.float64)
    found = []
    for factor, budget in ((1, PLENTY), (4, PLENTY), (4, 0)):
        model.zero_grad()
        pooled = PooledRankingLoss(model, shape=BlockShape(40), budget=GraphBudget(budget))
        (pooled(tiny.features(model, COLUMNS), LABELS) / factor).backward()
        found.append([factor * g.clone() for g in tiny.gradients(model)])
    for other in found[1:]:
        assert all(torch.allclose(a, b, rtol=1e-9, atol=1e-12) for a, b in zip(found[0], other, strict=True))


def test_loss_needs_no_gradient_in_evaluation(encoder: Path) -> None:
    model = tiny.load(encoder).eval()
    pooled = PooledRankingLoss(model, shape=BlockShape(64), budget=GraphBudget(0))
    ours = NestedMatryoshkaLoss(model, pooled, [16, 8])
    stock = MatryoshkaLoss(model, CachedMultipleNegativesRankingLoss(model), [16, 8])
    with torch.no_grad():
        values = [loss(tiny.features(model, COLUMNS), LABELS) for loss in (ours, stock)]
    assert values[0].item() == pytest.approx(values[1].item(), rel=1e-5)
    assert not values[0].requires_grad


def test_loss_falls_back_to_stock_similarity_for_other_directions(encoder: Path) -> None:
    model = tiny.load(encoder, dtype=torch.float64).eval()

    def make(loss: Callable[..., Any], outer: Callable[..., Any], **options: Any) -> Any:
        inner = loss(model, **options)
        inner.loss.directions = ("query_to_doc", "doc_to_query")
        return outer(model, inner, [16, 5])

    stock = make(CachedMultipleNegativesRankingLoss, MatryoshkaLoss)
    ours = make(PooledRankingLoss, NestedMatryoshkaLoss, shape=BlockShape(64), budget=GraphBudget(PLENTY))
    stock_loss, stock_gradients = backward(model, stock, tiny.features(model, COLUMNS))
    our_loss, our_gradients = backward(model, ours, tiny.features(model, COLUMNS))
    assert our_loss == pytest.approx(stock_loss, rel=1e-10)
    for theirs, mine in zip(stock_gradients, our_gradients, strict=True):
        assert torch.allclose(theirs, mine, rtol=1e-8, atol=1e-12)


def test_loss_wants_two_columns(encoder: Path) -> None:
    model = tiny.load(encoder)
    loss = PooledRankingLoss(model, shape=BlockShape(64), budget=GraphBudget(0))
    with pytest.raises(ValueError, match="at least 2 columns, got 1"):
        loss(PooledBatch([], torch.zeros(0), (0,), torch.zeros(1, 3, dtype=torch.long)), LABELS)


def test_loss_encodes_a_repeated_text_once_and_a_long_one_alone(encoder: Path) -> None:
    model = tiny.load(encoder)
    long = tiny.text(list(range(20)))
    columns = [["w1", "w2"], ["w1", "w3"], [long, "w1"]]
    tokens, numbers = tokenize(model, [(column, None) for column in columns])
    batch = pool(tokens, numbers, BlockShape(12))
    assert [tuple(block["input_ids"].shape) for block in batch.blocks] == [(3, 3), (1, 22)]
    assert np.array_equal(batch.positions.numpy()[:, 0] == batch.positions.numpy()[0, 0], [True, True, False])
