"""What is no text encoder of one vector is refused by what it is."""

import contextlib
import copy
import json
from typing import Any

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from pipeline.errors import InvalidData
from pipeline.hub import ListedFile
from pipeline.stages.pin.model.files import model_files
from pipeline.stages.pin.model.kind import refuse_others
from pipeline.stages.pin.model.modules import modules

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


MASKED = {"config.json": BERT | {"architectures": ["BertForMaskedLM"]}}


@pytest.mark.parametrize(
    ("repo", "tags", "paths", "named"),
    [
        ("tester/base", ["SPLADE", "passage-retrieval"], [], "splade"),
        ("tester/base", ["learned sparse"], [], "learned sparse"),
        ("tester/base", [], ["idf.json"], "idf.json"),
        ("tester/efficient-splade-V-large", [], [], "splade"),
    ],
)
def test_pin_refuses_a_plain_splade_by_what_tells_it(
    repo: str, tags: list[str], paths: list[str], named: str
) -> None:
    with pytest.raises(InvalidData, match=rf"^model {repo} is a sparse encoder \({named}\)"):
        refuse_others(MASKED, frozenset({*MASKED, *paths}), repo, tags)
    # A model of sentence-transformers says what it is; and pruned weights are no sparse vectors.
    refuse_others(MASKED | {"modules.json": PLAIN}, frozenset(MASKED), repo, tags)
    refuse_others(MASKED, frozenset(MASKED), "tester/base", ["sparse", "fill-mask"])


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


SOUND: dict[str, Any] = {
    "config.json": BERT | {"hidden_size": 32},
    "modules.json": PLAIN,
    "config_sentence_transformers.json": {"prompts": {"query": "q: "}, "similarity_fn_name": "cosine"},
    "sentence_bert_config.json": {"max_seq_length": 32},
    "1_Pooling/config.json": {"pooling_mode_mean_tokens": True},
}
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=8), inner, max_size=2),
    max_leaves=4,
)


def places(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """List the places of a JSON value at which something can be put."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here, *(place for key, one in inner for place in places(one, (*here, key)))]


@seed(20261126)
@settings(max_examples=300, deadline=None, database=None)
@given(st.data())
def test_pin_ends_in_one_message_or_goes_on_whatever_stands_in_the_small_files(data: st.DataObject) -> None:
    configs = copy.deepcopy(SOUND)
    name = data.draw(st.sampled_from(sorted(configs)))
    place = data.draw(st.sampled_from(places(configs[name])))
    holder, key = configs, name
    for step in place:
        holder, key = holder[key], step
    holder[key] = data.draw(ANYTHING)
    configs = json.loads(json.dumps(configs))
    listed = {path: ListedFile(path, 1, "git:0") for path in (*configs, "model.safetensors")}
    with contextlib.suppress(InvalidData):
        refuse_others(configs, frozenset(listed), "tester/base")
        model_files(listed, "tester/base", (), modules(configs, "tester/base"))
