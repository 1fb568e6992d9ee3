"""What is no text encoder of one vector is refused by what it is."""

from typing import Any

import pytest

from pipeline.errors import InvalidData
from pipeline.stages.pin.model_kind import modules, refuse_others

ST = "sentence_transformers.models"


def listed(*kinds: str) -> list[dict[str, Any]]:
    """Make a modules.json of these classes."""
    return [
        {
            "idx": place,
            "name": str(place),
            "path": f"{place}_{kind.rpartition('.')[2]}" if place else "",
            "type": kind,
        }
        for place, kind in enumerate(kinds)
    ]


def refusal(configs: dict[str, Any], *paths: str) -> str:
    with pytest.raises(InvalidData) as caught:
        refuse_others(configs, frozenset({*configs, *paths}), "tester/base")
    return str(caught.value)


BERT = {"architectures": ["BertModel"], "model_type": "bert"}
PLAIN = listed(f"{ST}.Transformer", f"{ST}.Pooling", f"{ST}.Normalize")


@pytest.mark.parametrize(
    "configs",
    [
        {},
        {"config.json": BERT},
        {"config.json": BERT, "modules.json": PLAIN, "config_sentence_transformers.json": {"prompts": {}}},
        {"config.json": BERT | {"architectures": ["BertForMaskedLM"]}},
        {"modules.json": listed(f"{ST}.Transformer", f"{ST}.Pooling", f"{ST}.Dense", f"{ST}.LayerNorm")},
        {"modules.json": PLAIN, "config.json": BERT | {"architectures": ["BertForSequenceClassification"]}},
        # As version 6 of sentence-transformers names its classes.
        {
            "modules.json": listed(
                "sentence_transformers.base.modules.transformer.Transformer",
                "sentence_transformers.sentence_transformer.modules.pooling.Pooling",
            ),
            "config_sentence_transformers.json": {"model_type": "SentenceTransformer"},
        },
    ],
)
def test_pin_takes_encoders_of_text(configs: dict[str, Any]) -> None:
    refuse_others(configs, frozenset(configs), "tester/base")


def test_pin_refuses_adapters_and_says_to_merge_them() -> None:
    said = refusal({"adapter_config.json": {"base_model_name_or_path": "big/model", "peft_type": "LORA"}})
    assert said.startswith(
        "model tester/base is an adapter (adapter_config.json) to big/model; wanted a whole"
    )
    assert "Merge it first" in said
    assert "is an adapter" in refusal({"adapter_config.json": []})


@pytest.mark.parametrize(
    "configs",
    [
        {
            "modules.json": listed(
                f"{ST}.Transformer", "sentence_transformers.sparse_encoder.models.SpladePooling"
            )
        },
        {"config_sentence_transformers.json": {"model_type": "SparseEncoder"}, "modules.json": PLAIN},
        {"modules.json": listed("sentence_transformers.sparse_encoder.modules.SparseStaticEmbedding")},
    ],
)
def test_pin_refuses_sparse_encoders(configs: dict[str, Any]) -> None:
    assert "is a sparse encoder" in refusal(configs)


@pytest.mark.parametrize(
    "configs",
    [
        {"config.json": BERT | {"architectures": ["BertForSequenceClassification"]}},
        {"config.json": BERT | {"sentence_transformers": {"activation_fn": "torch.nn.Sigmoid"}}},
        {"config.json": BERT, "config_sentence_transformers.json": {"model_type": "CrossEncoder"}},
        {
            "modules.json": listed(
                f"{ST}.Transformer", "sentence_transformers.cross_encoder.modules.LogitScore"
            )
        },
    ],
)
def test_pin_refuses_cross_encoders(configs: dict[str, Any]) -> None:
    assert "is a cross-encoder" in refusal(configs)


@pytest.mark.parametrize(
    ("configs", "paths"),
    [
        ({"modules.json": listed(f"{ST}.Transformer", "pylate.models.Dense.Dense")}, ()),
        ({"modules.json": listed(f"{ST}.Transformer", f"{ST}.Dense")}, ()),
        ({"config.json": BERT | {"architectures": ["HF_ColBERT"]}}, ()),
        ({"config.json": BERT}, ("artifact.metadata",)),
        ({"config_sentence_transformers.json": {"model_type": "ColBERT"}, "modules.json": PLAIN}, ()),
        ({"config_sentence_transformers.json": {"similarity_fn_name": "MaxSim"}, "modules.json": PLAIN}, ()),
    ],
)
def test_pin_refuses_multi_vector_models(configs: dict[str, Any], paths: tuple[str, ...]) -> None:
    assert "is a multi-vector model" in refusal(configs, *paths)


@pytest.mark.parametrize(
    ("configs", "paths"),
    [
        ({"modules.json": listed(f"{ST}.CLIPModel")}, ()),
        ({"config.json": {"model_type": "clip", "vision_config": {}, "text_config": {}}}, ()),
        ({"config.json": {"model_type": "vit", "image_size": 224}}, ()),
        ({"config.json": BERT}, ("preprocessor_config.json",)),
    ],
)
def test_pin_refuses_models_of_pictures(configs: dict[str, Any], paths: tuple[str, ...]) -> None:
    assert "is a model of pictures or sounds" in refusal(configs, *paths)


@pytest.mark.parametrize(
    ("kinds", "said"),
    [
        ((f"{ST}.StaticEmbedding",), "is made of StaticEmbedding; wanted a Transformer first"),
        (
            (f"{ST}.WordEmbeddings", f"{ST}.Pooling"),
            "is made of WordEmbeddings, Pooling; wanted a Transformer",
        ),
        ((f"{ST}.Router",), r"is made of two encoders (Router)"),
        ((f"{ST}.Asym", f"{ST}.Normalize"), r"is made of two encoders (Asym)"),
        (("custom_st.Transformer",), "is made of custom_st.Transformer: code that comes with the model"),
        ((f"{ST}.Transformer", f"{ST}.BoW"), "wanted no BoW behind the Transformer"),
    ],
)
def test_pin_refuses_modules_by_name(kinds: tuple[str, ...], said: str) -> None:
    assert said in refusal({"modules.json": listed(*kinds)})


def test_pin_refuses_quantized_weights() -> None:
    config = BERT | {"quantization_config": {"quant_method": "gptq"}}
    assert "is quantized (gptq): such weights cannot be trained" in refusal({"config.json": config})


@pytest.mark.parametrize(
    "content",
    [{}, [], "x", None, [1], [{"type": 1, "path": ""}], [{"type": "a.B"}], [{"type": "a.B", "path": "../x"}]],
)
def test_pin_refuses_a_list_of_modules_that_is_none(content: Any) -> None:
    with pytest.raises(InvalidData, match=r"modules.json of model tester/base .*Pin "):
        modules({"modules.json": content}, "tester/base")


@pytest.mark.parametrize("content", [[], "x", None, 1, {"architectures": 1}, {"architectures": [None]}])
def test_pin_reads_no_kind_out_of_configurations_that_are_none(content: Any) -> None:
    names = ("config.json", "config_sentence_transformers.json", "sentence_bert_config.json")
    refuse_others(dict.fromkeys(names, content), frozenset(names), "tester/base")
