"""Tokens made ahead of time against what the model's own `preprocess` makes of each batch."""

from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import BoW

from pipeline.embedding import tokens as tokens_module
from pipeline.embedding.tokens import number_texts, tokenize
from pipeline.errors import InvalidParams
from tests.support import tiny

LONG = tiny.text(list(range(40)))


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("prompt", [None, "w39 : "])
def test_tokens_pad_to_what_preprocess_gives(
    encoder: Path, side: str, prompt: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens_module, "_CHUNK", 2)
    model = tiny.load(encoder)
    model.tokenizer.padding_side = side
    column = ["w1 w2", "w3", LONG, "w1 w2", "w4 w5 w6", "w9"]
    tokens, numbers = tokenize(model, [(column, prompt)])
    assert len(tokens.lengths) == 5
    wanted = model.preprocess(column, prompt=prompt)
    width = wanted["input_ids"].shape[1]
    padded = tokens.pad(numbers[0], len(column) + 1, width)
    for key in ("input_ids", "attention_mask", "token_type_ids"):
        assert torch.equal(padded[key][: len(column)], wanted[key])
        assert torch.equal(padded[key][len(column)], wanted[key][0])
    assert width == model.max_seq_length


def test_tokens_of_two_prompts_share_blocks_unless_pooling_excludes_them(encoder: Path) -> None:
    columns = [(["w1", "w2"], "w3 : "), (["w1", "w1"], None), (["w2", "w4"], "")]
    shared, numbers = tokenize(tiny.load(encoder), columns)
    assert len(set(shared.group.tolist())) == 1
    assert numbers.tolist() == [[0, 1], [2, 2], [3, 4]]
    apart, _ = tokenize(tiny.load(encoder, include_prompt=False), columns)
    assert apart.group.tolist() == [0, 0, 1, 1, 1]
    assert apart.constants[0]["prompt_length"] == 3
    assert "prompt_length" not in apart.constants[1]


def test_tokens_of_nothing_are_empty(encoder: Path) -> None:
    tokens, numbers = tokenize(tiny.load(encoder), [([], None)])
    assert numbers.shape == (1, 0)
    assert len(tokens.lengths) == 0


def test_number_texts_gives_equal_texts_equal_numbers() -> None:
    numbers = number_texts([["a", "b"], ["b", "a"], ["c", ""]])
    assert np.array_equal(numbers, [[0, 1], [1, 0], [2, 3]])


def test_tokens_of_a_model_without_rows_of_tokens_are_refused() -> None:
    model = SentenceTransformer(modules=[BoW(vocab=["a", "b"])], device="cpu")
    with pytest.raises(InvalidParams, match=r"BoW.*Set train\.engine to stock"):
        tokenize(model, [(["a"], None)])
