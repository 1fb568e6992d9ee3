"""Lengths are counted in the base's tokens, exactly where it matters."""

from pathlib import Path

import polars as pl
import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from tokenizers.processors import BertProcessing

from pipeline import token_lengths
from pipeline.errors import InvalidData


@pytest.fixture
def words() -> Tokenizer:
    """Every word is a token; two special tokens stand around a text."""
    tokenizer = Tokenizer(WordLevel({"[UNK]": 0, "[CLS]": 1, "[SEP]": 2}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    tokenizer.post_processor = BertProcessing(("[SEP]", 2), ("[CLS]", 1))
    return tokenizer


def test_token_lengths_hold_prompt_and_special_tokens_in_any_portions(words: Tokenizer) -> None:
    measure = token_lengths.Measure(words, "soru : ", 6, rows=3)
    measure.add(pl.Series(["bir", "bir iki üç"]))
    measure.add(pl.Series(["bir iki"]))
    found = measure.lengths()
    assert (found.min, found.max, found.mean, found.texts) == (5, 7, 6.0, 3)
    assert found.over_long == 1


def test_token_lengths_count_every_cut_text_though_few_are_measured(words: Tokenizer) -> None:
    rows = 150_000
    measure = token_lengths.Measure(words, "", 4, rows=rows)
    texts = ["a"] * rows
    for place in (1, 77_777, 149_999):
        texts[place] = "bir iki üç"
    measure.add(pl.Series(texts))
    found = measure.lengths()
    assert found.texts < rows
    assert found.over_long == 3


def test_token_lengths_of_no_texts_are_zero(words: Tokenizer) -> None:
    measure = token_lengths.Measure(words, "", 4, rows=1)
    measure.add(pl.Series([], dtype=pl.String))
    assert measure.lengths().texts == 0


def test_token_lengths_need_a_tokenizer_that_can_be_read(tmp_path: Path) -> None:
    with pytest.raises(InvalidData, match=r"tokenizer.json cannot be read .*Pin a base that has one"):
        token_lengths.tokenizer(tmp_path)
