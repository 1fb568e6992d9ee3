"""What a base is given or relieved of before it is judged."""

from pathlib import Path
from typing import Any

import pytest
import torch
from sentence_transformers import SentenceTransformer

from pipeline.embedding import as_judged
from pipeline.errors import InvalidData
from tests.support import tiny


def test_base_that_is_as_judged_is_left_alone(encoder: Path) -> None:
    model = tiny.load(encoder, normalize=True)
    assert as_judged.adapt(model) == as_judged.Adapted()
    assert len(model) == 3


def test_base_is_given_what_is_judged_and_says_what_it_had(encoder: Path) -> None:
    model = tiny.load(encoder)
    model.similarity_fn_name = "dot"
    model.prompts = {"query": "w1 ", "document": ""}
    model.default_prompt_name = "query"
    model.truncate_dim = 8
    found = as_judged.adapt(model)
    assert found == as_judged.Adapted(normalize=True, similarity="dot", default_prompt="w1 ", truncate_dim=8)
    vectors = model.encode(["w1 w2"], convert_to_tensor=True, show_progress_bar=False)
    assert vectors.shape == (1, tiny.WIDTH)
    assert torch.allclose(vectors.norm(dim=1), torch.ones(1))
    assert str(model.similarity_fn_name) == "cosine"
    assert model.default_prompt_name is None
    assert as_judged.adapt(model) == as_judged.Adapted()


def test_default_prompt_of_no_letters_is_none(encoder: Path) -> None:
    model = tiny.load(encoder, normalize=True)
    model.prompts, model.default_prompt_name = {"query": ""}, "query"
    assert as_judged.adapt(model).default_prompt is None
    assert model.default_prompt_name is None


@pytest.mark.parametrize(
    ("configured", "others", "token"),
    [
        (1, ["sep_token"], "[UNK]"),
        (None, ["sep_token"], "[SEP]"),
        (999, ["sep_token"], "[SEP]"),
        (None, [], "[UNK]"),
    ],
)
def test_tokenizer_without_padding_is_given_a_token_that_it_has(
    encoder: Path, configured: int | None, others: list[str], token: str
) -> None:
    model = tiny.load(encoder, normalize=True)
    without(model, configured, {"pad_token", "sep_token"} - set(others))
    assert as_judged.adapt(model).pad_token == token
    assert model.tokenizer.pad_token == token


def test_tokenizer_with_nothing_to_pad_with_is_refused(encoder: Path) -> None:
    model = tiny.load(encoder, normalize=True)
    without(model, None, {"pad_token", "sep_token", "unk_token"})
    with pytest.raises(InvalidData, match="has no padding token"):
        as_judged.adapt(model)


def without(model: SentenceTransformer, configured: int | None, tokens: set[str]) -> None:
    """Take tokens from a tokenizer, and set what the encoder's configuration says of padding."""
    part: Any = model[0]
    part.auto_model.config.pad_token_id = configured
    for name in tokens:
        setattr(model.tokenizer, name, None)


def test_names_of_code_are_taken_out(encoder: Path) -> None:
    model = tiny.load(encoder, normalize=True)
    part: Any = model[0]
    part.auto_model.config.auto_map = {"AutoModel": "modeling.Evil"}
    model.tokenizer.init_kwargs["auto_map"] = {"AutoTokenizer": ["tokenization.Evil", None]}
    assert as_judged.adapt(model).auto_map
    assert not hasattr(part.auto_model.config, "auto_map")
    assert "auto_map" not in model.tokenizer.init_kwargs


def test_positions_are_those_of_the_table_behind_its_padding(encoder: Path) -> None:
    model = tiny.load(encoder)
    part: Any = model[0]
    assert as_judged.positions(model) == tiny.MAX_TOKENS
    table = torch.nn.Embedding(tiny.MAX_TOKENS, tiny.WIDTH, padding_idx=1)
    part.auto_model.embeddings.position_embeddings = table
    assert as_judged.positions(model) == tiny.MAX_TOKENS - 2
    del part.auto_model.embeddings.position_embeddings
    assert as_judged.positions(model) == tiny.MAX_TOKENS  # as the configuration says
    part.auto_model.config.max_position_embeddings = -1
    assert as_judged.positions(model) is None
