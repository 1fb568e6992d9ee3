"""Which files of a model repository are fetched."""

import pytest

from pipeline.errors import InvalidData
from pipeline.hub import ListedFile
from pipeline.stages.pin import downloads


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
    wanted = downloads.model_files(listed(*BGE_M3), "BAAI/bge-m3", ("pytorch_model.bin",))
    assert wanted == BGE_M3_WANTED | {"pytorch_model.bin"}


def test_pin_wants_no_pickle_beside_safetensors_even_where_it_is_named() -> None:
    found = listed(*BGE_M3, "model.safetensors")
    assert downloads.model_files(found, "BAAI/bge-m3", ("pytorch_model.bin",)) == BGE_M3_WANTED | {
        "model.safetensors"
    }


def test_pin_refuses_a_pickle_that_is_not_named() -> None:
    with pytest.raises(InvalidData) as caught:
        downloads.model_files(listed(*BGE_M3), "BAAI/bge-m3", ())
    message = str(caught.value)
    assert "no safetensors weights, only colbert_linear.pt, pytorch_model.bin, sparse_linear.pt" in message
    assert "name its pytorch_model.bin in base.allow_pickle" in message


def test_pin_says_which_other_weights_a_repository_has() -> None:
    found = listed("config.json", "flax_model.msgpack", "model.gguf", "tf_model.h5", "README.md")
    with pytest.raises(InvalidData, match=r"only flax_model.msgpack, model.gguf, tf_model.h5; wanted"):
        downloads.model_files(found, "tester/other", ())


@pytest.mark.parametrize("allowed", [(), ("pytorch_model.bin",)])
def test_pin_refuses_a_repository_without_weights(allowed: tuple[str, ...]) -> None:
    with pytest.raises(InvalidData, match=r"only no weights at all; wanted model.safetensors"):
        downloads.model_files(listed("config.json", "onnx/model.safetensors"), "tester/none", allowed)


def test_pin_wants_every_shard_of_the_weights() -> None:
    shards = [f"model-0000{place}-of-00002.safetensors" for place in (1, 2)]
    found = listed("config.json", "model.safetensors.index.json", *shards)
    assert downloads.model_files(found, "tester/sharded", ()) == set(found)
