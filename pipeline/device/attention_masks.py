"""Attention masks that are made without asking the device, so that the CPU can run ahead of a GPU."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

_NAME = "katman_sdpa"


def _mask(*args: Any, **kwargs: Any) -> torch.Tensor | None:
    """Make the mask that transformers makes, also where nothing is masked."""
    kwargs |= {"allow_is_bidirectional_skip": False, "allow_is_causal_skip": False}
    mask: torch.Tensor | None = sdpa_mask(*args, **kwargs)
    return mask


@contextmanager
def without_waiting(model: SentenceTransformer, device: torch.device) -> Iterator[None]:
    """Keep transformers from looking, for a while, whether a mask masks anything.

    That look waits for all that the device has still to do, once per block: no launch is queued meanwhile.
    On a CPU there is nothing to wait for, and an attention without a mask is faster: nothing changes there.
    """
    encoder = model.transformers_model
    if encoder is None or device.type == "cpu" or encoder.config._attn_implementation != "sdpa":
        yield
        return
    AttentionInterface.register(_NAME, sdpa_attention_forward)
    AttentionMaskInterface.register(_NAME, _mask)
    encoder.set_attn_implementation(_NAME)
    try:
        yield
    finally:
        encoder.set_attn_implementation("sdpa")
