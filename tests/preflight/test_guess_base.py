"""A base's small files say how wide it is, how much it reads, its prompts, and which pickles it needs."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import InvalidData
from pipeline.preflight import guess_base
from pipeline.preflight.guess_base import BaseFacts

DENSE = [
    {"type": "x.Transformer", "path": ""},
    {"type": "x.Pooling", "path": "1_P"},
    {"type": "x.Dense", "path": "2_D"},
]


def read(folder: Path, *weights: str, **files: Any) -> BaseFacts:
    listed = {f"{name}.json": content for name, content in files.items()}
    for path, content in listed.items():
        path = path.replace("__", "/")
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(json.dumps(content), encoding="utf-8")
    return guess_base.read(folder, dict.fromkeys([*listed, *weights]), "model o/n")


@pytest.mark.parametrize(
    ("config", "limit"),
    [
        ({"max_position_embeddings": 512, "model_type": "bert"}, 512),
        ({"max_position_embeddings": 514, "model_type": "xlm-roberta", "pad_token_id": 1}, 512),
        ({"max_position_embeddings": 514, "model_type": "camembert"}, 512),
        ({}, None),
    ],
)
def test_guess_base_reads_the_limit_behind_the_padding(
    tmp_path: Path, config: dict[str, Any], limit: int | None
) -> None:
    assert read(tmp_path, config={"hidden_size": 8} | config).max_seq_length == limit


def test_guess_base_takes_the_least_of_the_limits_and_no_placeholder(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        config={"hidden_size": 8, "max_position_embeddings": 512},
        sentence_bert_config={"max_seq_length": 128},
        tokenizer_config={"model_max_length": 10**30},
    )
    assert found.max_seq_length == 128


def test_guess_base_takes_the_width_of_the_last_module(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        config={"hidden_size": 768},
        modules=DENSE,
        **{
            "1_P__config": {"word_embedding_dimension": 768},
            "2_D__config": {"in_features": 768, "out_features": 256},
        },
    )
    assert found.width == 256
    with pytest.raises(InvalidData, match=r"no config\.json or modules\.json that says how wide"):
        guess_base.read(tmp_path / "none", {}, "model o/n")


@pytest.mark.parametrize(
    ("saved", "prompts"),
    [
        ({"query": "q: ", "passage": "p: "}, {"query": "q: ", "document": "p: "}),
        ({"query": "q: ", "document": ""}, {"query": "q: ", "document": ""}),
        ("broken", {"query": "", "document": ""}),
    ],
)
def test_guess_base_takes_its_prompts(tmp_path: Path, saved: Any, prompts: dict[str, str]) -> None:
    found = read(tmp_path, config={"hidden_size": 8}, config_sentence_transformers={"prompts": saved})
    assert found.prompts == prompts


@pytest.mark.parametrize(
    ("weights", "pickles"),
    [
        (["model.safetensors", "pytorch_model.bin", "2_D/model.safetensors"], []),
        (["pytorch_model.bin", "2_D/pytorch_model.bin"], ["pytorch_model.bin", "2_D/pytorch_model.bin"]),
        (["model.safetensors", "2_D/pytorch_model.bin"], ["2_D/pytorch_model.bin"]),
        (
            ["pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin", "2_D/model.safetensors"],
            ["pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin"],
        ),
        (["model.safetensors", "onnx/model.bin", "2_D/model.safetensors", "sparse_linear.pt"], []),
    ],
)
def test_guess_base_names_the_pickles_that_nothing_safer_stands_beside(
    tmp_path: Path, weights: list[str], pickles: list[str]
) -> None:
    assert read(tmp_path, *weights, config={"hidden_size": 8}, modules=DENSE).pickles == pickles
