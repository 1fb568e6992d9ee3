"""Tokens by the tokenizer alone are those of sentence-transformers, or nobody uses them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sentence_transformers import SentenceTransformer

from pipeline.embedding.direct_tokens import direct
from tests.support import tiny

TEXTS = ["w1 w2", "w3", "unbekannt w4 w5 w6"]


def asked(model: SentenceTransformer, prompt: str | None) -> Callable[[list[str]], dict[str, Any]]:
    return lambda texts: dict(model.preprocess([(prompt or "") + text for text in texts]))


@pytest.mark.parametrize("prompt", [None, "w7 : "])
@pytest.mark.parametrize("limit", [tiny.MAX_TOKENS, 4, None])
def test_tokens_are_those_of_sentence_transformers(
    encoder: Path, prompt: str | None, limit: int | None
) -> None:
    model = tiny.load(encoder)
    if limit is not None:
        model.max_seq_length = limit
    features = direct(model, prompt, asked(model, prompt), TEXTS)
    assert features is not None
    theirs = asked(model, prompt)(TEXTS)
    ours = features(TEXTS)
    assert set(ours) == {"input_ids", "token_type_ids"}
    for row, text in enumerate(TEXTS):
        inside = theirs["attention_mask"][row].bool()
        for key, values in ours.items():
            assert values[row].tolist() == theirs[key][row][inside].tolist(), text


def test_tokenizer_that_gives_other_tokens_is_not_used(encoder: Path) -> None:
    model = tiny.load(encoder)
    lower = asked(model, None)
    assert direct(model, None, lambda texts: lower([f"{text} w9" for text in texts]), TEXTS) is None


def test_tokenizer_that_pads_on_the_left_or_has_no_core_is_not_used(
    encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tiny.load(encoder)
    model.tokenizer.padding_side = "left"
    assert direct(model, None, asked(model, None), TEXTS) is None
    model.tokenizer.padding_side = "right"
    monkeypatch.setattr(type(model.tokenizer), "backend_tokenizer", None)
    assert direct(model, None, asked(model, None), TEXTS) is None
