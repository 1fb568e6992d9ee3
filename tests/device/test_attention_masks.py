"""Masks that no device is asked about."""

from pathlib import Path

import pytest
import torch
from sentence_transformers import SentenceTransformer

from pipeline.device import attention_masks

META = torch.device("meta")


@pytest.fixture
def model(encoder: Path) -> SentenceTransformer:
    return SentenceTransformer(str(encoder), device="cpu").eval()


def test_vectors_are_the_same_with_masks_that_are_always_made(model: SentenceTransformer) -> None:
    texts = ["fatura", "tarife değişti mi", "hat"]
    plain = model.encode(texts, convert_to_tensor=True, show_progress_bar=False)
    assert model.transformers_model is not None
    with attention_masks.without_waiting(model, META):
        assert model.transformers_model.config._attn_implementation == "katman_sdpa"
        always = model.encode(texts, convert_to_tensor=True, show_progress_bar=False)
    assert torch.allclose(plain, always, atol=1e-6)
    assert model.transformers_model.config._attn_implementation == "sdpa"


def test_nothing_changes_where_nothing_is_waited_for(model: SentenceTransformer) -> None:
    assert model.transformers_model is not None
    with attention_masks.without_waiting(model, torch.device("cpu")):
        assert model.transformers_model.config._attn_implementation == "sdpa"
    model.transformers_model.set_attn_implementation("eager")
    with attention_masks.without_waiting(model, META):
        assert model.transformers_model.config._attn_implementation == "eager"


def test_attention_is_given_back_after_an_error(model: SentenceTransformer) -> None:
    with pytest.raises(RuntimeError), attention_masks.without_waiting(model, META):
        raise RuntimeError
    assert model.transformers_model is not None
    assert model.transformers_model.config._attn_implementation == "sdpa"
