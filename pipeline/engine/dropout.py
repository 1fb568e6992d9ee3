"""Dropout on a CPU at the price of its memory traffic, in place of torch's serial generator.

torch draws dropout masks on CPUs that are not Intel's one number after the other: 6 ns for each, a sixth of a
training step on texts of mixed length. It also has no fused attention with dropout, so that every head's
matrix of probabilities is kept four times over for the backward pass. Here a mask is 16 bits of SFC64
(https://pracrand.sourceforge.net/RNG_engines.txt) per entry, seeded from torch's generator, so that whoever
restores that one's state gets the same masks again; attention keeps its probabilities once, and one byte per
entry of the mask.
"""

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

_LEVELS = 1 << 16


def fast_dropout(model: torch.nn.Module) -> AbstractContextManager[Any]:
    """Return a context in which dropout is fast; it changes nothing on a GPU, or outside of training."""
    on_cpu = next(model.parameters()).device.type == "cpu"
    return CpuDropout() if on_cpu and model.training else nullcontext()


class CpuDropout(TorchFunctionMode):
    """Takes over `dropout`, and attention with dropout; every other call goes on as it is."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Answer one call of a torch function."""
        kwargs = kwargs or {}
        if func is torch.nn.functional.dropout:
            return _dropout(func, *args, **kwargs)
        if func is torch.nn.functional.scaled_dot_product_attention:
            return _attention(func, *args, **kwargs)
        return func(*args, **kwargs)


def _dropout(
    stock: Callable[..., Tensor], input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    if not training or inplace or not 0 < p < 1:
        return stock(input, p, training, inplace)
    dropped: Tensor = _Dropout.apply(input, p)  # type: ignore[no-untyped-call]
    return dropped


def _attention(
    stock: Callable[..., Tensor],
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    if (
        not 0 < dropout_p < 1
        or is_causal
        or enable_gqa
        or (attn_mask is not None and attn_mask.requires_grad)
    ):
        return stock(query, key, value, attn_mask, dropout_p, is_causal, scale=scale, enable_gqa=enable_gqa)
    if torch.is_autocast_enabled("cpu"):
        dtype = torch.get_autocast_dtype("cpu")
        query, key, value = (each.to(dtype) for each in (query, key, value))
    scale = query.shape[-1] ** -0.5 if scale is None else scale
    with torch.autocast("cpu", enabled=False):
        bias = None if attn_mask is None else _bias(attn_mask, query.dtype)
        attended: Tensor = _Attention.apply(query, key, value, bias, dropout_p, scale)  # type: ignore[no-untyped-call]
    return attended


def _bias(mask: Tensor, dtype: torch.dtype) -> Tensor:
    """Turn a mask of what to attend to into what is added to the scores; finite, so no row becomes NaN."""
    if mask.dtype != torch.bool:
        return mask.to(dtype)
    return torch.zeros(mask.shape, dtype=dtype).masked_fill_(~mask, torch.finfo(dtype).min)


def kept(shape: torch.Size, p: float) -> Tensor:
    """Draw which entries stay: each with probability 1 - p, rounded to 1/65536.

    One number of torch's generator is all that is taken from it, whatever the shape.
    """
    count = math.prod(shape)
    seed = int(torch.randint(1 << 62, ()))
    bits = np.random.SFC64(seed).random_raw(-(-count // 4)).view(np.int16)
    return torch.from_numpy(bits)[:count].view(shape) >= round(p * _LEVELS) - _LEVELS // 2


class _Dropout(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, input: Tensor, p: float) -> Tensor:
        mask = kept(input.shape, p)
        ctx.save_for_backward(mask)
        ctx.scale = 1 / (1 - p)
        return torch.where(mask, input * ctx.scale, 0)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor, None]:
        (mask,) = ctx.saved_tensors
        return torch.where(mask, grad_output * ctx.scale, 0), None


class _Attention(torch.autograd.Function):
    """softmax(q k' scale + bias), dropout, times v; (rows, heads, positions, head width) each."""

    @staticmethod
    def forward(
        ctx: Any, query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None, p: float, scale: float
    ) -> Tensor:
        scores = torch.matmul(query * scale, key.mT)
        if bias is not None:
            scores += bias
        probabilities = torch.softmax(scores, -1)
        mask = kept(probabilities.shape, p)
        ctx.save_for_backward(query, key, value, probabilities, mask)
        ctx.scale, ctx.share = scale, 1 - p
        return torch.matmul(torch.where(mask, probabilities, 0), value).div_(ctx.share)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        query, key, value, probabilities, mask = ctx.saved_tensors
        gradient = grad_output / ctx.share
        value_gradient = torch.matmul(torch.where(mask, probabilities, 0).mT, gradient)
        pull = torch.where(mask, torch.matmul(gradient, value.mT), 0)
        # Through the softmax: p * (g - sum(p * g)).
        scores = torch._softmax_backward_data(pull, probabilities, -1, probabilities.dtype)
        scores *= ctx.scale
        return torch.matmul(scores, key), torch.matmul(scores.mT, query), value_gradient, None, None, None
