"""Lengths of texts in tokens of the base, and which of them the model will cut."""

from pathlib import Path

import polars as pl
from tokenizers import Tokenizer

from pipeline.errors import InvalidData, first_line
from pipeline.records import Lengths

_MOST_TEXTS = 50_000  # of a column; of more, every n-th is measured


def tokenizer(folder: Path) -> Tokenizer:
    """Load a model's tokenizer, which then cuts and fills up nothing.

    Raises:
        InvalidData: The folder has no tokenizer.json that can be read.
    """
    try:
        loaded = Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception as error:  # the library raises nothing narrower
        raise InvalidData(
            f"{folder / 'tokenizer.json'} cannot be read ({first_line(error)}); wanted the base's fast "
            "tokenizer, whose tokens the audit counts. Pin a base that has one"
        ) from None
    loaded.no_truncation()
    loaded.no_padding()
    return loaded


class Measure:
    """Takes a column's texts portion by portion.

    A text has no more tokens than bytes, special tokens aside, so that short ones need not be tokenized to
    know that the model reads them whole: `over_long` is exact whatever is left out of the sample.
    """

    def __init__(self, tokenizer: Tokenizer, prompt: str, max_seq_length: int, rows: int) -> None:
        self._tokenizer, self._prompt, self._limit = tokenizer, prompt, max_seq_length
        self._special = len(tokenizer.encode("").ids)
        self._step = -(-rows // _MOST_TEXTS)
        self._seen = self._total = self._texts = self._max = self._over = 0
        self._min: int | None = None

    def add(self, texts: pl.Series) -> None:
        """Measure the next texts of the column."""
        places = pl.int_range(self._seen, self._seen + len(texts), eager=True)
        sampled = places % self._step == 0
        may_be_cut = texts.str.len_bytes() + len(self._prompt.encode()) > self._limit - self._special
        asked = pl.DataFrame({"text": texts, "sampled": sampled}).filter(sampled | may_be_cut)
        encoded = self._tokenizer.encode_batch_fast([self._prompt + text for text in asked["text"]])
        lengths = pl.Series([len(each.ids) for each in encoded], dtype=pl.Int64)
        self._over += int((lengths > self._limit).sum())
        taken = lengths.filter(asked["sampled"])
        self._seen += len(texts)
        if len(taken):
            least, most = int(taken.min()), int(taken.max())  # type: ignore[arg-type]
            self._min = least if self._min is None else min(self._min, least)
            self._max = max(self._max, most)
            self._total += int(taken.sum())
            self._texts += len(taken)

    def lengths(self) -> Lengths:
        """Sum up what was measured."""
        mean = self._total / self._texts if self._texts else 0.0
        return Lengths(min=self._min or 0, mean=mean, max=self._max, texts=self._texts, over_long=self._over)
