"""Files that ask for more than any machine has: refused with one message, within seconds."""

import gzip
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import InvalidData, PipelineError
from pipeline.params import load
from pipeline.params.pin import RetrievalFiles
from pipeline.stages.pin import file_limits, table_process
from pipeline.stages.pin.model import limits as model_limits
from pipeline.stages.pin.model.trial_process import tried
from pipeline.stages.pin.tables import rows
from pipeline.workspace import digests
from tests.support.splits import LIMITS, dataset_params
from tests.support.workspaces import PROJECT

SMALL = LIMITS.model_copy(
    update={"rows": 1000, "cells": 5000, "unpacked_bytes": 50_000_000, "seconds": 60, "memory_bytes": 1 << 31}
)


def column(count: int, text: str = "x") -> Any:
    """Give a column of one text, again and again: a few bytes of Parquet."""
    return pa.DictionaryArray.from_arrays(pa.array([0] * count, pa.int8()), [text])


def nested(depth: int) -> bytes:
    return b'{"query": ' + b"[" * depth + b"]" * depth + b"}\n"


def deep_type(depth: int) -> Any:
    kind = pa.string()
    for _ in range(depth):
        kind = pa.list_(kind)
    return kind


def wide(path: Path) -> None:
    pq.write_table(pa.table({f"c{one}": ["x"] * 10 for one in range(600)}), path)


# By class: the file's name, and what writes it.
HOSTILE: dict[str, list[tuple[str, Callable[[Path], object]]]] = {
    "rows": [("train.parquet", lambda path: pq.write_table(pa.table({"query": column(1_000_000)}), path))],
    "cells": [("train.parquet", wide)],
    "depth": [
        ("train.parquet", lambda path: pq.write_table(pa.table({"q": pa.nulls(1, deep_type(120))}), path)),
        ("train.jsonl", lambda path: path.write_bytes(nested(101))),
        ("train.jsonl", lambda path: path.write_bytes(nested(3_000_000))),
        ("train.json", lambda path: path.write_bytes(b'{"a":"\\\\\\"[[",' * 200)),
        ("train.jsonl", lambda path: path.write_bytes(b'{"a": "]]]]"}\n[' * 101)),
    ],
    "expansion": [
        ("train.jsonl.gz", lambda path: path.write_bytes(gzip.compress(b" " * 60_000_000))),
        ("train.csv.gz", lambda path: path.write_bytes(gzip.compress(b"a,b\n" * 15_000_000))),
    ],
    "no file of its kind": [
        ("train.parquet", lambda path: path.write_bytes(b"PAR1" + b"\xff" * 100 + b"PAR1")),
        ("train.parquet", lambda path: path.write_bytes(b"PAR1" + b"\x7f\xff\xff\xff" + b"PAR1")),
    ],
}
CASES = [(f"{kind} {place}", *one) for kind, many in HOSTILE.items() for place, one in enumerate(many)]


@pytest.mark.parametrize(("name", "write"), [one[1:] for one in CASES], ids=[one[0] for one in CASES])
def test_file_is_refused_before_it_is_read(
    tmp_path: Path, name: str, write: Callable[[Path], object]
) -> None:
    write(tmp_path / name)
    with pytest.raises((InvalidData, pa.ArrowException, OSError)):
        file_limits.refuse([tmp_path / name], SMALL)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("train.jsonl", nested(99)),
        ("train.jsonl", b'{"query": "' + b"[" * 1000 + b'"}\n' * 1000),
        ("train.jsonl", b'{"query": "\\\\"}\n{"query": "\\""}\n' * 100_000),
        ("train.jsonl.gz", gzip.compress(b'{"query": "x"}\n' * 1_000_000)),
    ],
)
def test_file_within_limits_is_left_alone(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    file_limits.refuse([tmp_path / name], SMALL)


def test_file_that_unpacks_in_memory_alone_ends_with_a_message(tmp_path: Path) -> None:
    """A footer says nothing of a text that every row repeats: 900 rows of 20 MB are 18 GB."""
    pq.write_table(pa.table({"query": column(900, "x" * 20_000_000)}), tmp_path / "train.parquet")
    assert (tmp_path / "train.parquet").stat().st_size < 2_000_000
    began = time.monotonic()
    with pytest.raises(PipelineError) as caught:
        rows.load(tmp_path, digests.files(tmp_path), dataset_params(), SMALL)
    assert time.monotonic() - began < SMALL.seconds
    assert "\n" not in str(caught.value)


def test_retrieval_set_is_read_within_limits(tmp_path: Path) -> None:
    pq.write_table(pa.table({"_id": column(1_000_000), "text": column(1_000_000)}), tmp_path / "a.parquet")
    files = {"corpus": "a.parquet", "queries": "a.parquet", "qrels": "a.parquet"}
    asked = RetrievalFiles.model_validate({"repo": "a/b", "revision": "0" * 40} | files)
    with pytest.raises(InvalidData, match=r"a\.parquet has 1,000,000 rows or more; .*pin\.limits\.rows"):
        table_process.retrieval(tmp_path, asked, "retrieval", SMALL)


def test_large_file_is_not_downloaded() -> None:
    with pytest.raises(InvalidData, match=r"x\.parquet of data set a/b has .*pin\.limits\.file_bytes"):
        file_limits.refuse_large({"x.parquet": 10**10}, "data set a/b", LIMITS)


BERT = {"hidden_size": 384, "num_hidden_layers": 12, "vocab_size": 30522, "intermediate_size": 1536}
IMPOSSIBLE: list[dict[str, Any]] = [
    {"num_hidden_layers": 10**9},
    {"num_layers": 5000},
    {"n_layer": 10**6},
    {"n_layers": 10**6},
    {"encoder_layers": 10**6},
    {"num_hidden_groups": 10**6},
    {"hidden_size": 10**12},
    {"vocab_size": 10**10},
    {"vocab_size": 10**6},
    {"intermediate_size": 10**7},
    {"max_position_embeddings": 10**12},
    {"type_vocab_size": 10**15},
    {"text_config": {"num_hidden_layers": 10**9}},
    {"text_config": [[{"vocab_size": 10**18}]]},
]


@pytest.mark.parametrize("changes", IMPOSSIBLE, ids=str)
def test_configuration_that_no_weights_fill_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidData, match="built before a weight is read"):
        model_limits.refuse_impossible({"config.json": BERT | changes}, 90_000_000, "a/b")


def test_configuration_that_is_too_deep_is_refused() -> None:
    deep: Any = {}
    for _ in range(5000):
        deep = {"x": deep}
    with pytest.raises(InvalidData, match="nested deeper"):
        model_limits.refuse_impossible({"config.json": deep}, 90_000_000, "a/b")


def test_real_models_fit_their_weights() -> None:
    m3 = {
        "hidden_size": 1024,
        "intermediate_size": 4096,
        "max_position_embeddings": 8194,
        "num_hidden_layers": 24,
        "vocab_size": 250002,
    }
    albert = {"vocab_size": 30000, "embedding_size": 128, "hidden_size": 4096, "intermediate_size": 16384}
    endless = {"tokenizer_config.json": {"model_max_length": 10**30}}
    for config, weights in ((m3, 2_271_064_456), (BERT, 90_868_376), (albert, 890_000_000)):
        model_limits.refuse_impossible({"config.json": config} | endless, weights, "a/b")


def tokenizer(normalizer: object, pattern: str) -> dict[str, Any]:
    split = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
    return {
        "version": "1.0",
        "added_tokens": [],
        "normalizer": normalizer,
        "pre_tokenizer": split,
        "model": {"type": "WordLevel", "vocab": {"a": 0, "[UNK]": 1}, "unk_token": "[UNK]"},
    }


def doubling(times: int) -> dict[str, Any]:
    """Give a normalizer that makes of each letter as many as two to the power of `times`."""
    one = {"type": "Replace", "pattern": {"String": "a"}, "content": "aa"}
    return {"type": "Sequence", "normalizers": [one] * times}


TOKENIZERS = {
    "pattern": [tokenizer(None, one) for one in ("(a+)+$", "(a|a|aa)+!!")],
    "slow pattern": [tokenizer(doubling(9), "(?=(.*)(.*)z|)x")],
    "expansion": [tokenizer(doubling(40), "a")],
}
TRIED = [(f"{kind} {place}", one) for kind, many in TOKENIZERS.items() for place, one in enumerate(many)]


@pytest.mark.parametrize("content", [one for _, one in TRIED], ids=[name for name, _ in TRIED])
def test_tokenizer_that_a_text_holds_up_is_refused(tmp_path: Path, content: dict[str, Any]) -> None:
    base, room = tmp_path / "base", tmp_path / "room"
    base.mkdir()
    room.mkdir()
    (base / "tokenizer.json").write_text(json.dumps(content))
    params = load(PROJECT)
    limits = params.pin.limits.model_copy(update={"tokenizer_seconds": 2.0, "memory_bytes": 1 << 30})
    params = params.model_copy(update={"pin": params.pin.model_copy(update={"limits": limits})})
    with pytest.raises(InvalidData) as caught:
        tried(base, room, params)
    assert "\n" not in str(caught.value)
