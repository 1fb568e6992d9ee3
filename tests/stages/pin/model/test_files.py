"""Which files of a model repository are fetched: configuration, tokenizer, and each module's weights."""

import re
from pathlib import Path

import pytest
import transformers

from pipeline.errors import InvalidData
from pipeline.hub import ListedFile
from pipeline.stages.pin.model.files import model_files, small_json
from pipeline.stages.pin.model.modules import ModulePart


def listed(*paths: str) -> dict[str, ListedFile]:
    return {path: ListedFile(path, 1, "git:0") for path in paths}


BGE_M3 = (
    ".gitattributes",
    "1_Pooling/config.json",
    "README.md",
    "colbert_linear.pt",
    "config.json",
    "config_sentence_transformers.json",
    "imgs/bm25.jpg",
    "long.jpg",
    "modules.json",
    "onnx/Constant_7_attr__value",
    "onnx/config.json",
    "onnx/model.onnx",
    "onnx/model.onnx_data",
    "pytorch_model.bin",
    "sentence_bert_config.json",
    "sentencepiece.bpe.model",
    "sparse_linear.pt",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
)
BGE_M3_WANTED = {
    "1_Pooling/config.json",
    "README.md",
    "config.json",
    "config_sentence_transformers.json",
    "modules.json",
    "sentence_bert_config.json",
    "sentencepiece.bpe.model",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
}


def test_pin_wants_of_bge_m3_only_what_training_reads() -> None:
    wanted = model_files(listed(*BGE_M3), "BAAI/bge-m3", ("pytorch_model.bin",))
    assert wanted == BGE_M3_WANTED | {"pytorch_model.bin"}


def test_pin_wants_no_pickle_beside_safetensors_even_where_it_is_named() -> None:
    found = listed(*BGE_M3, "model.safetensors")
    assert model_files(found, "BAAI/bge-m3", ("pytorch_model.bin",)) == BGE_M3_WANTED | {"model.safetensors"}


def test_pin_refuses_a_pickle_that_is_not_named() -> None:
    with pytest.raises(InvalidData) as caught:
        model_files(listed(*BGE_M3), "BAAI/bge-m3", ())
    message = str(caught.value)
    assert (
        "it has no model.safetensors, only colbert_linear.pt, pytorch_model.bin, sparse_linear.pt" in message
    )
    assert "name its pytorch_model.bin in base.allow_pickle" in message


def test_pin_says_which_other_weights_a_repository_has() -> None:
    found = listed("config.json", "flax_model.msgpack", "model.gguf", "tf_model.h5", "README.md")
    with pytest.raises(
        InvalidData, match=r"only flax_model.msgpack, model.gguf, tf_model.h5; wanted"
    ) as caught:
        model_files(found, "tester/other", ())
    assert "allow_pickle" not in str(caught.value), "that would not help"
    assert "Load it where it can be read and save it again" in str(caught.value)


@pytest.mark.parametrize("allowed", [(), ("pytorch_model.bin",)])
def test_pin_refuses_a_repository_without_weights(allowed: tuple[str, ...]) -> None:
    with pytest.raises(InvalidData, match=r"only no weights at all; wanted model.safetensors"):
        model_files(listed("config.json", "onnx/model.safetensors"), "tester/none", allowed)


def test_pin_wants_every_shard_of_the_weights() -> None:
    shards = [f"model-0000{place}-of-00002.safetensors" for place in (1, 2)]
    found = listed("config.json", "model.safetensors.index.json", *shards)
    assert model_files(found, "tester/sharded", ()) == set(found)


DENSE = (
    ModulePart("Transformer", "sentence_transformers.models", ""),
    ModulePart("Pooling", "sentence_transformers.models", "1_Pooling"),
    ModulePart("Dense", "sentence_transformers.models", "2_Dense"),
)


def test_pin_looks_for_weights_in_the_folder_of_each_module() -> None:
    found = listed(
        "model.safetensors", "1_Pooling/config.json", "2_Dense/config.json", "2_Dense/pytorch_model.bin"
    )
    with pytest.raises(InvalidData, match=r"its module 2_Dense \(Dense\) has no model.safetensors") as caught:
        model_files(found, "tester/dense", ("pytorch_model.bin",), DENSE)
    assert "name its 2_Dense/pytorch_model.bin in base.allow_pickle" in str(caught.value)
    assert "2_Dense/pytorch_model.bin" in model_files(
        found, "tester/dense", ("2_Dense/pytorch_model.bin",), DENSE
    )
    inner = (ModulePart("Transformer", "sentence_transformers.models", "0_Transformer"),)
    found = listed("0_Transformer/model.safetensors", "modules.json")
    assert "0_Transformer/model.safetensors" in model_files(found, "tester/inner", (), inner)
    with pytest.raises(InvalidData, match=r"wanted 0_Transformer/model.safetensors"):
        model_files(listed("model.safetensors"), "tester/inner", (), inner)


def test_pin_takes_pickles_in_parts_where_each_is_named() -> None:
    parts = [f"pytorch_model-0000{place}-of-00002.bin" for place in (1, 2)]
    found = listed("config.json", "pytorch_model.bin.index.json", *parts)
    with pytest.raises(InvalidData, match=f"name its {parts[0]} and its {parts[1]} in base.allow_pickle"):
        model_files(found, "tester/parts", ())
    with pytest.raises(InvalidData, match=f"name its {parts[1]} in base.allow_pickle"):
        model_files(found, "tester/parts", tuple(parts[:1]))
    assert model_files(found, "tester/parts", tuple(parts)) == set(found)


def test_pin_never_asks_for_a_pickle_where_other_safetensors_stand_in_the_way() -> None:
    found = listed("config.json", "consolidated.safetensors")
    with pytest.raises(
        InvalidData, match=r"only consolidated.safetensors; wanted model.safetensors. Load it"
    ):
        model_files(found, "tester/other", ())


def test_pin_fetches_every_vocabulary_that_a_tokenizer_of_transformers_names() -> None:
    names: set[str] = set()
    for path in Path(transformers.__file__).parent.rglob("tokenization*.py"):
        for table in re.findall(
            r"VOCAB_FILES_NAMES = \{(.*?)\}", path.read_text(encoding="utf-8"), re.DOTALL
        ):
            names.update(re.findall(r":\s*\"([^\"]+)\"", table))
    assert {"bpe.codes", "spiece.model", "sentencepiece.bpe.model", "vocab.txt", "source.spm"} <= names
    chosen = model_files(listed("model.safetensors", *names), "tester/vocabularies", ())
    assert not names - chosen


def test_pin_asks_first_for_the_small_json_files_alone() -> None:
    found = listed(*BGE_M3, "a/b/config.json", "vocab.json") | {
        "huge.json": ListedFile("huge.json", 3_000_000, "git:0")
    }
    assert small_json(found) == {
        *("1_Pooling/config.json", "config.json", "config_sentence_transformers.json", "modules.json"),
        *("sentence_bert_config.json", "tokenizer_config.json"),
    }
