"""Batches of rows, without duplicate texts in one vectorized pass, and the collator that pads them."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from numpy.typing import NDArray
from sentence_transformers.base.sampler import DefaultBatchSampler
from sentence_transformers.sentence_transformer.data_collator import SentenceTransformerDataCollator

from pipeline.embedding.length_buckets import BlockShape
from pipeline.embedding.tokens import Tokens
from pipeline.engine.pooled_batch import pool
from pipeline.params.train import BatchSampler

# sentence-transformers' samplers and collators set a column of this name aside as the label, and the
# ranking losses ignore labels: so the row's number travels there, and an error can name rows.
ROW_COLUMN = "label"

# Rows looked at in one vectorized step, where fewer are missing in the batch.
_WINDOW = 256


def first_fit(
    order: NDArray[np.int64], texts: NDArray[np.int64], batch_size: int
) -> Iterator[NDArray[np.int64]]:
    """Put each row, in this order, into the first batch that has room and none of its texts.

    The batches are those of sentence-transformers' `NoDuplicatesBatchSampler` in the same order, which
    walks all deferred rows again in Python for every batch. Here a row that shares no text with an
    earlier row of its window is taken without being looked at; only the others are walked.

    Args:
        order: Row numbers.
        texts: (columns, rows) number of each text; equal texts have equal numbers in all columns.
        batch_size: Rows of a full batch.

    Yields:
        Row numbers of one batch. Batches that no remaining row fits into are short, so there can be more
        of them than `ceil(rows / batch_size)`.
    """
    rows_texts = np.ascontiguousarray(texts.T)
    count = int(texts.max()) + 1 if texts.size else 0
    seen_in = np.full(count, -1, np.int64)  # last batch that holds the text
    first_row = np.zeros(count, np.int64)
    deferred, begin, batch = order[:0], 0, 0
    while len(deferred) or begin < len(order):
        taken: list[NDArray[np.int64]] = []
        rejected: list[NDArray[np.int64]] = []
        missing = batch_size
        position = 0
        while missing and (position < len(deferred) or begin < len(order)):
            size = max(missing, _WINDOW)
            if position < len(deferred):
                window = deferred[position : position + size]
            else:
                window = order[begin : begin + size]
            accepted = _accept(rows_texts[window], batch, seen_in, first_row)
            places = np.flatnonzero(accepted)
            used = int(places[missing - 1]) + 1 if len(places) >= missing else len(window)
            taken.append(window[:used][accepted[:used]])
            rejected.append(window[:used][~accepted[:used]])
            missing -= len(taken[-1])
            if position < len(deferred):
                position += used
            else:
                begin += used
        deferred = np.concatenate([*rejected, deferred[position:]])
        yield np.concatenate(taken)
        batch += 1


def form(
    order: NDArray[np.int64], texts: NDArray[np.int64], batch_size: int, sampler: BatchSampler
) -> Iterator[NDArray[np.int64]]:
    """Form the batches of one pass over the rows.

    Args:
        order: Row numbers.
        texts: (columns, rows) number of each text; equal texts have equal numbers in all columns.
        batch_size: Rows of a full batch.
        sampler: `no_duplicates`, see `first_fit`, or `batch`, which cuts the order as it is.

    Yields:
        Row numbers of one batch.
    """
    if sampler == "no_duplicates":
        yield from first_fit(order, texts, batch_size)
    else:
        for begin in range(0, len(order), batch_size):
            yield order[begin : begin + batch_size]


def _accept(
    texts: NDArray[np.int64], batch: int, seen_in: NDArray[np.int64], first_row: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Decide, in order, which rows of a window fit into the batch, and enter their texts into it."""
    accepted: NDArray[np.bool_] = ~(seen_in[texts] == batch).any(axis=1)
    candidates = np.flatnonzero(accepted)
    values = texts[candidates]
    first_row[values] = len(texts)
    np.minimum.at(first_row, values.ravel(), np.repeat(candidates, values.shape[1]))
    doubtful = (first_row[values] < candidates[:, None]).any(axis=1)
    seen_in[values[~doubtful]] = batch
    # A row without doubt shares no text with an earlier one, so those that a doubtful row meets in the
    # batch now are all from rows before it: the walk decides exactly as the plain greedy pass would.
    for place, row_texts in zip(candidates[doubtful].tolist(), values[doubtful], strict=True):
        if (seen_in[row_texts] == batch).any():
            accepted[place] = False
        else:
            seen_in[row_texts] = batch
    return accepted


def shuffled(rows: int, seed: int, generator: torch.Generator | None = None) -> NDArray[np.int64]:
    """The order in which sentence-transformers' sampler walks the rows with this seed."""
    generator = generator if generator is not None else torch.Generator()
    generator.manual_seed(seed)
    return torch.randperm(rows, generator=generator, dtype=torch.int32).numpy().astype(np.int64)


def largest_batch(texts: NDArray[np.int64], seed: int) -> int:
    """Rows of the largest batch that the greedy pass over the first epoch's order fills."""
    rows = texts.shape[1]
    first = next(first_fit(shuffled(rows, seed), texts, rows), np.empty(0, np.int64))
    return len(first)


class RowSampler(DefaultBatchSampler):
    """The stock samplers' batches, exactly `len()` of them, from text numbers made ahead of time.

    Without duplicates, rows whose texts repeat so often that they fit into none of the promised batches are
    left out of that epoch: the trainer plans its steps and its learning rate on `len()`, and would stop there
    anyway.

    Attributes:
        rows_left_out: Most rows that one epoch left out so far.
    """

    def __init__(
        self,
        dataset: Dataset,
        batch_size: int,
        drop_last: bool,
        valid_label_columns: list[str] | None = None,
        generator: torch.Generator | None = None,
        seed: int = 0,
        *,
        texts: NDArray[np.int64],
        sampler: BatchSampler = "no_duplicates",
    ) -> None:
        super().__init__(dataset, batch_size, drop_last, valid_label_columns, generator, seed)
        self.texts = texts
        self.batch_sampler = sampler
        self.rows_left_out = 0

    def __iter__(self) -> Iterator[list[int]]:
        rows, promised = self.texts.shape[1], len(self)
        order = shuffled(rows, self.seed + self.epoch, self.generator)
        left = rows
        formed = form(order, self.texts, self.batch_size, self.batch_sampler)
        for _, batch in zip(range(promised), formed, strict=False):
            left -= len(batch)
            yield batch.tolist()
        self.rows_left_out = max(self.rows_left_out, left)

    def __len__(self) -> int:
        """Batches of an epoch: rows over batch size, rounded up unless the last one is dropped."""
        batches: float = self.texts.shape[1] / self.batch_size
        return math.floor(batches) if self.drop_last else math.ceil(batches)


@dataclass
class RowCollator(SentenceTransformerDataCollator):
    """Looks up the tokens of a batch's rows and pads them into blocks.

    Attributes:
        tokens: The tokens of all distinct texts.
        numbers: (columns, rows) numbers of the texts in `tokens`.
        shape: How blocks are cut.
        rank: Whose share of each batch is padded.
        ranks: How many share each batch.
    """

    tokens: Tokens | None = field(default=None, repr=False)
    numbers: NDArray[np.int64] | None = field(default=None, repr=False)
    shape: BlockShape = field(default_factory=lambda: BlockShape(2048))
    rank: int = 0
    ranks: int = 1

    def __call__(self, features: list[dict[str, Any]]) -> dict[str, Any]:
        """One batch: this rank's blocks, where each text stands, its rows, and counts of its tokens."""
        if self.tokens is None or self.numbers is None:
            raise TypeError("RowCollator needs tokens and numbers")
        rows = np.array([feature[ROW_COLUMN] for feature in features], dtype=np.int64)
        numbers = self.numbers[:, rows]
        batch = pool(self.tokens, numbers, self.shape, self.rank, self.ranks)
        distinct_lengths = self.tokens.lengths[np.unique(numbers)]
        return {
            "blocks": batch.blocks,
            "own": batch.own,
            "counts": batch.counts,
            "positions": batch.positions,
            "padding": batch.padding,
            ROW_COLUMN: torch.from_numpy(rows),
            "block_tokens": self.shape.tokens,
            "token_count": int(self.tokens.lengths[numbers].sum()),
            "distinct_token_count": int(distinct_lengths.sum()),
            "long_sequence_count": int((distinct_lengths > self.shape.tokens).sum()),
        }
