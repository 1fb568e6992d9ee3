"""Lengths of texts in tokens of the base, and how many of them the model will cut."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from tokenizers import Tokenizer

from pipeline.errors import InvalidData, first_line
from pipeline.records.audit import Lengths

_MOST_TEXTS = 50_000  # of a column; of more, every n-th is measured
_BATCH = 2_000  # texts per call: enough for the tokenizer's threads, and long ones fit into memory
# No character becomes more bytes than this when it is taken apart (U+FDFA: 3 bytes, then 33).
_EXPANSION = 11


@dataclass(frozen=True)
class TokenCounter:
    """A base's tokenizer, which cuts and fills up nothing.

    Attributes:
        count: Gives the number of tokens of each text, special ones too.
        special: How many tokens of every text are special.
    """

    count: Callable[[Sequence[str]], NDArray[np.int64]]
    special: int


def tokenizer(folder: Path) -> TokenCounter:
    """Load the tokenizer of a base, or of its first module, where some bases keep it.

    Raises:
        InvalidData: The folder holds no tokenizer that can be read.
    """
    home = _home(folder)
    path = home / "tokenizer.json"
    if not path.is_file():
        return _from_vocabulary(home)
    try:
        loaded = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing narrower
        raise _unreadable(path, error) from None
    loaded.no_truncation()
    loaded.no_padding()

    def count(texts: Sequence[str]) -> NDArray[np.int64]:
        return np.array([len(one) for one in loaded.encode_batch_fast(list(texts))], dtype=np.int64)

    return TokenCounter(count, int(loaded.num_special_tokens_to_add(is_pair=False)))


@dataclass(frozen=True)
class Reader:
    """How the model reads a text.

    Attributes:
        tokenizer: The base's.
        prompts: What stands in front of a `query` and of a `document`.
        max_seq_length: Tokens that the model reads of a text.
    """

    tokenizer: TokenCounter
    prompts: Mapping[str, str]
    max_seq_length: int

    def measure(self, column: str, rows: int) -> "Measure":
        """Return an empty measure for a column of so many rows."""
        prompt = self.prompts["query" if column == "query" else "document"]
        return Measure(self.tokenizer, prompt, self.max_seq_length, rows)


class Measure:
    """Takes a column's texts portion by portion, as the model reads them: prompt in front, nothing cut.

    Minimum, mean and maximum are those of an even sample where there are very many texts. `over_long` never
    is: the texts outside of the sample are tokenized too, but those that are too short to be cut.
    """

    def __init__(self, tokenizer: TokenCounter, prompt: str, max_seq_length: int, rows: int) -> None:
        self._tokenizer, self._prompt, self._limit = tokenizer, prompt, max_seq_length
        self._step = max(1, -(-rows // _MOST_TEXTS))
        self._seen = self._total = self._texts = self._max = self._over = 0
        self._min: int | None = None

    def add(self, texts: pl.Series) -> None:
        """Measure the next texts of the column; null counts as empty."""
        texts = texts.fill_null("")
        places = pl.int_range(self._seen, self._seen + len(texts), eager=True)
        self._seen += len(texts)
        sampled = places % self._step == 0
        taken = self._tokens(texts.filter(sampled))
        doubtful = texts.filter(~sampled)
        room = self._limit - self._tokenizer.special
        others = self._tokens(doubtful.filter(may_exceed(doubtful, self._prompt, room)))
        self._over += int((taken > self._limit).sum()) + int((others > self._limit).sum())
        if taken.size:
            least = int(taken.min())
            self._min = least if self._min is None else min(self._min, least)
            self._max = max(self._max, int(taken.max()))
            self._total += int(taken.sum())
            self._texts += taken.size

    def lengths(self) -> Lengths:
        """Sum up what was measured; zeros where that is nothing."""
        mean = self._total / self._texts if self._texts else 0.0
        return Lengths(min=self._min or 0, mean=mean, max=self._max, texts=self._texts, over_long=self._over)

    def _tokens(self, texts: pl.Series) -> NDArray[np.int64]:
        # Like lengths together, so that no thread is left with the only long text.
        texts = texts.gather(texts.str.len_bytes().arg_sort())
        batches = (texts.slice(begin, _BATCH) for begin in range(0, len(texts), _BATCH))
        counts = [self._tokenizer.count([self._prompt + text for text in batch]) for batch in batches]
        return np.concatenate(counts) if counts else np.zeros(0, np.int64)


def may_exceed(texts: pl.Series, prompt: str, room: int) -> pl.Series:
    """Return which texts could have more than `room` tokens, without tokenizing them.

    A token holds at least one byte of its text, normalised or not; one more may stand for the space that
    some tokenizers put in front. Characters are no such bound: one that a vocabulary lacks becomes several.
    """
    room = room - len(prompt.encode()) * _EXPANSION - 1
    may = texts.str.len_bytes().cast(pl.Int64) * _EXPANSION > room
    apart = texts.filter(may)
    size = pl.DataFrame([apart.str.len_bytes(), apart.str.normalize("NFKD").str.len_bytes().alias("apart")])
    return may.scatter(may.arg_true(), size.max_horizontal().cast(pl.Int64) > room)


def _home(folder: Path) -> Path:
    """Return the folder of the first module, which is where sentence-transformers keeps the tokenizer."""
    if (folder / "tokenizer.json").is_file() or not (folder / "modules.json").is_file():
        return folder
    try:
        modules = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
        inner = folder / str(modules[0]["path"])
    except (ValueError, LookupError, TypeError):
        return folder
    return inner if inner.is_dir() else folder


def _from_vocabulary(folder: Path) -> TokenCounter:
    """Load a tokenizer that has other files than tokenizer.json, through transformers."""
    from transformers import AutoTokenizer  # takes seconds, and few bases need it

    try:
        loaded = AutoTokenizer.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
    except Exception as error:  # transformers raises whatever its parsers do
        raise _unreadable(folder, error) from None

    def count(texts: Sequence[str]) -> NDArray[np.int64]:
        rows = loaded(list(texts), truncation=False, padding=False, verbose=False)["input_ids"]
        return np.array([len(row) for row in rows], dtype=np.int64)

    return TokenCounter(count, int(loaded.num_special_tokens_to_add(pair=False)))


def _unreadable(path: Path, error: Exception) -> InvalidData:
    return InvalidData(
        f"{path} holds no tokenizer that can be read: {first_line(error)[:200]}; wanted a tokenizer.json, or "
        "the vocabulary files that transformers' AutoTokenizer reads. Pin a base commit that has one"
    )
