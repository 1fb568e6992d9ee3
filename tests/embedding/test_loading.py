"""Models from a local folder, in float32, without code of their own."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from pipeline.embedding import loading
from pipeline.errors import InvalidData, InvalidParams
from pipeline.params import load
from pipeline.params.model import ModelParams
from tests.support import workspaces


@pytest.fixture
def base(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished / "data" / "base", tmp_path / "base"))


@pytest.fixture
def params(finished: Path) -> ModelParams:
    return load(finished).model


def test_models_are_loaded_in_float32_whatever_the_file_holds(base: Path) -> None:
    path = base / "model.safetensors"
    halves = {name: tensor.bfloat16() for name, tensor in load_file(path).items()}
    save_file(halves, path, metadata={"format": "pt"})
    model = loading.load(base)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert not model.training


def test_models_keep_what_they_were_saved_with(base: Path) -> None:
    model = loading.load(base)
    assert model.max_seq_length == 32
    assert not any(model.prompts.values())


@pytest.mark.parametrize(
    ("saved", "default", "query", "document"),
    [
        ({"query": "q: ", "document": "d: "}, None, "q: ", "d: "),
        ({"query": "q: ", "passage": "p: "}, None, "q: ", "p: "),
        ({"query": "q: ", "document": "", "passage": "p: "}, None, "q: ", "p: "),
        ({"query": "q: ", "document": "d: ", "corpus": "c: "}, None, "q: ", "d: "),
        ({"query": "q: ", "document": ""}, "query", "q: ", ""),
        ({"s2p": "s: "}, "s2p", "s: ", "s: "),
        ({"s2p": "s: "}, None, "", ""),
        ({}, None, "", ""),
    ],
)
def test_models_keep_their_own_prompts_under_whatever_name(
    base: Path, saved: dict[str, str], default: str | None, query: str, document: str
) -> None:
    path = base / "config_sentence_transformers.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(config | {"prompts": saved, "default_prompt_name": default}))
    model = loading.load(base)
    assert (model.prompts["query"], model.prompts["document"]) == (query, document)


def test_models_that_encode_in_two_ways_are_refused(base: Path, tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Router

    ways: list[Any] = [list(SentenceTransformer(str(base), device="cpu").children()) for _ in range(2)]
    router = Router.for_query_document(query_modules=ways[0], document_modules=ways[1])
    SentenceTransformer(modules=[router], device="cpu").save_pretrained(
        str(tmp_path / "routed"), create_model_card=False
    )
    with pytest.raises(InvalidData, match=r"in two ways \(Router\); wanted one way for both"):
        loading.load(tmp_path / "routed")


def test_models_take_length_and_prompts_of_the_recipe(base: Path, params: ModelParams) -> None:
    model = loading.load_as(base, params)
    assert model.max_seq_length == 16
    assert model.prompts == {"query": "mi ", "document": "evet "}


def test_models_are_judged_with_unit_vectors_and_cosines_whatever_the_base_was_saved_with(
    base: Path, params: ModelParams
) -> None:
    modules = json.loads((base / "modules.json").read_text())
    (base / "modules.json").write_text(json.dumps(modules[:2]))
    path = base / "config_sentence_transformers.json"
    saved = {"prompts": {"query": "q: "}, "default_prompt_name": "query", "similarity_fn_name": "dot"}
    path.write_text(json.dumps(json.loads(path.read_text()) | saved))
    model = loading.load_as(base, params)
    assert (model.similarity_fn_name, model.default_prompt_name) == ("cosine", None)
    vectors = model.encode(["fatura var", "tarife"], convert_to_tensor=True, show_progress_bar=False)
    assert torch.allclose(vectors.norm(dim=1).cpu(), torch.ones(2))


def test_models_with_unit_vectors_are_left_as_they_are(base: Path, params: ModelParams) -> None:
    assert (
        str(loading.load_as(base, params)).count("Normalize")
        == str(loading.load(base)).count("Normalize")
        == 1
    )


@pytest.mark.parametrize(
    ("asked", "used"),
    [
        (("", ""), {"query": "q: ", "document": "p: "}),
        (("mi ", ""), {"query": "mi ", "document": "p: "}),
        (("mi ", "evet "), {"query": "mi ", "document": "evet "}),
    ],
)
def test_models_are_measured_with_their_own_prompts_where_the_recipe_has_none(
    base: Path, params: ModelParams, asked: tuple[str, str], used: dict[str, str]
) -> None:
    path = base / "config_sentence_transformers.json"
    path.write_text(
        json.dumps(json.loads(path.read_text()) | {"prompts": {"query": "q: ", "passage": "p: "}})
    )
    prompts = params.prompts.model_copy(update=dict(zip(("query", "document"), asked, strict=True)))
    recipe = params.model_copy(update={"prompts": prompts})
    assert loading.load_as(base, recipe, own_prompts=True).prompts == used
    assert loading.load_as(base, recipe).prompts == prompts.model_dump()


def test_models_without_a_padding_token_pad_with_one_that_they_have(base: Path, params: ModelParams) -> None:
    path = base / "tokenizer_config.json"
    config = json.loads(path.read_text())
    path.write_text(
        json.dumps({key: config[key] for key in config if key != "pad_token"} | {"eos_token": "[SEP]"})
    )
    path = base / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"pad_token_id": None}))
    model = loading.load_as(base, params)
    assert model.tokenizer.pad_token == "[SEP]"
    texts = ["fatura var mi 3", "tarife"]
    together, alone = (
        torch.cat([model.encode(part, convert_to_tensor=True, show_progress_bar=False) for part in parts])
        for parts in ([texts], [texts[:1], texts[1:]])
    )
    assert torch.allclose(together, alone, atol=1e-5)


def test_models_refuse_a_width_that_the_base_lacks(base: Path, params: ModelParams) -> None:
    wide = params.model_copy(update={"dims": (64, 32)})
    with pytest.raises(
        InvalidParams, match="asks for 64 dimensions and the base has 32; wanted none above 32"
    ):
        loading.load_as(base, wide)


def test_models_refuse_more_tokens_than_there_are_positions(base: Path, params: ModelParams) -> None:
    loading.load_as(base, params.model_copy(update={"max_seq_length": 64}))
    with pytest.raises(InvalidParams, match="max_seq_length is 65 and the base has 64 positions"):
        loading.load_as(base, params.model_copy(update={"max_seq_length": 65}))


def test_models_count_positions_of_roberta_from_behind_the_padding(
    tmp_path: Path, params: ModelParams
) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import XLMRobertaConfig, XLMRobertaModel

    workspaces.tiny_model(tmp_path / "tiny")
    config = XLMRobertaConfig(
        vocab_size=500,
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=34,
        pad_token_id=1,
    )
    XLMRobertaModel(config).save_pretrained(tmp_path / "plain")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(tmp_path / "tiny" / name, tmp_path / "plain" / name)
    modules = [Transformer(str(tmp_path / "plain")), Pooling(32)]
    SentenceTransformer(modules=modules, device="cpu").save(
        str(tmp_path / "roberta"), create_model_card=False
    )
    loading.load_as(tmp_path / "roberta", params.model_copy(update={"max_seq_length": 32}))
    with pytest.raises(InvalidParams, match="the base has 32 positions"):
        loading.load_as(tmp_path / "roberta", params.model_copy(update={"max_seq_length": 33}))


def damage_weights(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"no weights")


def damage_config(folder: Path) -> None:
    (folder / "config.json").write_text("{}")


def remove_config(folder: Path) -> None:
    (folder / "config.json").unlink()


def name_unknown_module(folder: Path) -> None:
    modules = json.loads((folder / "modules.json").read_text())
    modules[-1]["type"] = "stranger.Module"
    (folder / "modules.json").write_text(json.dumps(modules))


def leave_a_pickle(folder: Path) -> None:
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


def change_shape(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"hidden_size": 48}))


@pytest.mark.parametrize(
    "damage",
    [
        damage_weights,
        damage_config,
        remove_config,
        name_unknown_module,
        leave_a_pickle,
        change_shape,
        shutil.rmtree,
    ],
)
def test_models_that_cannot_be_loaded_are_named(base: Path, damage: object) -> None:
    assert callable(damage)
    damage(base)
    with pytest.raises(InvalidData, match=r"holds no model that sentence-transformers can load: .*Pin a"):
        loading.load(base)
