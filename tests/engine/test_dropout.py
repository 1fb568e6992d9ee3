"""The CPU's dropout: its rate, its gradients, and that it gives way wherever it does not apply."""

from pathlib import Path

import pytest
import torch
from torch.nn import functional

from pipeline.engine.dropout import CpuDropout, fast_dropout, kept
from tests.support import tiny

SHAPE = (2, 3, 5, 4)


def tensors(dtype: torch.dtype = torch.float64) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    return [torch.randn(SHAPE, generator=generator, dtype=dtype).requires_grad_() for _ in range(3)]


@pytest.mark.parametrize("p", [0.001, 0.1, 0.5, 0.9])
def test_dropout_keeps_the_share_that_it_should(p: float) -> None:
    torch.manual_seed(1)
    count = 1_000_003
    share = float(kept(torch.Size([count]), p).double().mean())
    assert abs(share - (1 - p)) < 5 * (p * (1 - p) / count) ** 0.5 + 1 / 65536


def test_dropout_masks_neighbours_and_calls_independently() -> None:
    torch.manual_seed(1)
    one, two = (kept(torch.Size([400_000]), 0.5).double() - 0.5 for _ in range(2))
    for left, right in ((one, two), (one[:-1], one[1:]), (one[:-4], one[4:])):
        assert abs(float((left * right).mean()) * 4) < 5 / 400_000**0.5


def test_dropout_repeats_its_masks_when_torchs_generator_is_put_back() -> None:
    state = torch.get_rng_state()
    first = kept(torch.Size([100]), 0.3)
    torch.set_rng_state(state)
    assert torch.equal(first, kept(torch.Size([100]), 0.3))
    assert not torch.equal(first, kept(torch.Size([100]), 0.3))


def test_dropout_scales_what_stays_and_passes_its_gradient() -> None:
    x = torch.ones(1000, dtype=torch.float64, requires_grad=True)
    torch.manual_seed(2)
    with CpuDropout():
        y = functional.dropout(x, 0.2, True)
    y.sum().backward()  # type: ignore[no-untyped-call]
    assert x.grad is not None
    assert torch.equal(y.detach(), x.grad)
    assert set(y.tolist()) == {0.0, 1.25}


@pytest.mark.parametrize("masked", ["none", "bool", "float"])
def test_dropout_attention_is_softmax_dropout_and_a_product(masked: str) -> None:
    query, key, value = tensors()
    allowed = torch.ones(2, 1, 5, 5, dtype=torch.bool)
    allowed[0, ..., 3:] = False
    bias = torch.zeros(allowed.shape, dtype=torch.float64).masked_fill(~allowed, -1e9)
    mask = {"none": None, "bool": allowed, "float": bias}[masked]
    torch.manual_seed(4)
    stays = kept(torch.Size([2, 3, 5, 5]), 0.4)
    scores = query @ key.mT / 2 + (0 if masked == "none" else bias)
    wanted = torch.where(stays, scores.softmax(-1) / 0.6, 0) @ value
    torch.manual_seed(4)
    with CpuDropout():
        found = functional.scaled_dot_product_attention(query, key, value, mask, dropout_p=0.4)
    torch.testing.assert_close(found, wanted)


def test_dropout_attention_has_the_gradients_of_finite_differences() -> None:
    def attend(*inputs: torch.Tensor) -> torch.Tensor:
        torch.manual_seed(5)
        with CpuDropout():
            query, key, value = inputs
            return functional.scaled_dot_product_attention(query, key, value, dropout_p=0.4)

    assert torch.autograd.gradcheck(attend, tensors())


def test_dropout_leaves_calls_alone_that_drop_nothing() -> None:
    query, key, value = tensors(torch.float32)
    with CpuDropout():
        attended = functional.scaled_dot_product_attention(query, key, value)
        assert functional.dropout(query, 0.5, False) is query
        assert functional.dropout(query, 0.0, True).equal(query)
        assert not functional.dropout(query, 1.0, True).any()
    assert torch.equal(attended, functional.scaled_dot_product_attention(query, key, value))


def test_dropout_of_a_model_is_fast_only_where_it_trains(encoder: Path) -> None:
    model = tiny.load(encoder)
    model.eval()
    assert not isinstance(fast_dropout(model), CpuDropout)
    model.train()
    assert isinstance(fast_dropout(model), CpuDropout)


def test_dropout_of_a_padded_row_stays_finite_in_bfloat16() -> None:
    query, key, value = (each.detach() for each in tensors(torch.float32))
    nothing_to_see = torch.zeros(2, 1, 5, 5, dtype=torch.bool)
    with CpuDropout(), torch.autocast("cpu", torch.bfloat16):
        attended = functional.scaled_dot_product_attention(query, key, value, nothing_to_see, dropout_p=0.1)
    assert attended.dtype == torch.bfloat16
    assert attended.isfinite().all()
