"""The loss at nested dimensions against autograd through one product per dimension."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import cross_entropy, normalize

from pipeline.engine import matryoshka
from pipeline.engine.matryoshka import nested_ranking_loss


@st.composite
def problems(draw: st.DrawFn) -> dict[str, Any]:
    width = draw(st.integers(1, 12))
    dims = draw(st.lists(st.integers(1, width), min_size=1, max_size=4, unique=True))
    return {
        "rows": draw(st.integers(1, 7)),
        "columns": draw(st.integers(1, 3)),
        "width": width,
        "dims": dims,
        "weights": draw(st.lists(st.floats(0.1, 2), min_size=len(dims), max_size=len(dims))),
        "seed": draw(st.integers(0, 1000)),
        "chunk": draw(st.sampled_from([1, 15, 1 << 22])),
        "zero": draw(st.booleans()),
    }


@settings(max_examples=60, deadline=None)
@given(problem=problems())
def test_nested_loss_and_gradients_are_those_of_autograd(problem: dict[str, Any]) -> None:
    torch.manual_seed(problem["seed"])
    rows, width = problem["rows"], problem["width"]
    queries = torch.randn(rows, width, dtype=torch.float64)
    documents = torch.randn(rows * problem["columns"], width, dtype=torch.float64)
    if problem["zero"]:
        queries[0] = 0
        documents[-1, : width // 2] = 0
    queries.requires_grad_()
    documents.requires_grad_()
    wanted = torch.zeros((), dtype=torch.float64)
    for dim, weight in zip(problem["dims"], problem["weights"], strict=True):
        cosines = normalize(queries[:, :dim], dim=1) @ normalize(documents[:, :dim], dim=1).T
        wanted = wanted + weight * cross_entropy(20 * cosines, torch.arange(rows))
    wanted.backward()  # type: ignore[no-untyped-call]
    with pytest.MonkeyPatch.context() as patch, torch.no_grad():
        patch.setattr(matryoshka, "_CHUNK_ENTRIES", problem["chunk"])
        arguments = (queries, documents, problem["dims"], problem["weights"], 20.0)
        loss, query_gradient, document_gradient = nested_ranking_loss(*arguments, with_gradient=True)
        alone, *nothing = nested_ranking_loss(*arguments, with_gradient=False)
    assert query_gradient is not None
    assert document_gradient is not None
    assert nothing == [None, None]
    assert queries.grad is not None
    assert documents.grad is not None
    torch.testing.assert_close(loss, wanted.detach(), rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(alone, loss)
    # A vector of zeros is divided by 1e-12, not by its norm: terms of that size cancel out to rounding.
    tolerance = 1e-2 if problem["zero"] else 1e-10
    torch.testing.assert_close(query_gradient, queries.grad, rtol=1e-9, atol=tolerance)
    torch.testing.assert_close(document_gradient, documents.grad, rtol=1e-9, atol=tolerance)
