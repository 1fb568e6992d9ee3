"""One training batch as the loss takes it: blocks of distinct texts, and where each text stands in them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipeline.embedding.length_buckets import BlockShape, cut
from pipeline.embedding.tokens import Tokens


@dataclass(frozen=True)
class PooledBatch:
    """One training batch as the loss takes it.

    Attributes:
        blocks: Features of each block of this rank, as `SentenceTransformer.forward` takes them, shortest
            texts first.
        own: Row of each text of this rank in its blocks' rows laid end to end, (counts[rank],).
        counts: Texts of each rank.
        padding: Positions of this rank's blocks that hold no token of its texts.
        positions: (columns, rows) row of each text of the batch in the texts of all ranks laid end to end.
    """

    blocks: list[dict[str, Any]]
    own: Tensor
    counts: tuple[int, ...]
    positions: Tensor
    padding: int = 0


def pool(
    tokens: Tokens, numbers: NDArray[np.int64], shape: BlockShape, rank: int = 0, ranks: int = 1
) -> PooledBatch:
    """Form the blocks of one batch; a text that stands in it more than once is encoded once.

    Args:
        tokens: The tokens of all texts.
        numbers: (columns, rows) numbers of the batch's texts.
        shape: How blocks are cut.
        rank: Whose blocks are wanted.
        ranks: How many share the batch's texts.
    """
    distinct, inverse = np.unique(numbers, return_inverse=True)
    shares = deal(tokens.lengths[distinct], ranks)
    theirs = distinct[shares[rank]]
    own = np.zeros(len(theirs), np.int64)
    blocks, begin, padding = [], 0, -int(tokens.lengths[theirs].sum())
    for texts, rows, width in cut(tokens.lengths[theirs], tokens.group[theirs], shape):
        own[texts] = begin + np.arange(len(texts))
        blocks.append(tokens.pad(theirs[texts], rows, width))
        begin += rows
        padding += rows * width
    place = np.zeros(len(distinct), np.int64)
    place[np.concatenate(shares)] = np.arange(len(distinct))
    return PooledBatch(
        blocks=blocks,
        own=torch.from_numpy(own),
        counts=tuple(len(share) for share in shares),
        positions=torch.from_numpy(place[inverse.reshape(numbers.shape)]),
        padding=padding,
    )


def deal(lengths: NDArray[np.int64], ranks: int) -> list[NDArray[np.int64]]:
    """Deal texts to ranks, to each as many and as long ones as to every other, to within one text.

    Returns:
        Per rank the places of its texts, rising.
    """
    if ranks == 1:
        return [np.arange(len(lengths))]
    order = np.argsort(-lengths, kind="stable")
    turn, seat = np.divmod(np.arange(len(lengths)), ranks)
    seat = np.where(
        turn % 2 == 0, seat, ranks - 1 - seat
    )  # there and back: nobody gets the longer one always
    return [np.sort(order[seat == rank]) for rank in range(ranks)]


def pool_features(sentence_features: Iterable[dict[str, Any]], shape: BlockShape) -> PooledBatch:
    """Form blocks from what sentence-transformers' own collator gives: padded features per column."""
    columns = [_unpadded(features) for features in sentence_features]
    rows: dict[tuple[int, bytes], int] = {}
    constants: list[dict[str, Any]] = []
    numbers, pieces, lengths, group = [], [], [], []
    for values, entry in columns:
        if entry not in constants:
            constants.append(entry)
        key_group = constants.index(entry)
        for row in values:
            key = (key_group, b"".join(value.tobytes() for value in row.values()))
            if key not in rows:
                rows[key] = len(rows)
                pieces.append(row)
                lengths.append(len(row["input_ids"]))
                group.append(key_group)
            numbers.append(rows[key])
    ends = np.cumsum(lengths)
    tokens = Tokens(
        values={key: np.concatenate([piece[key] for piece in pieces]) for key in pieces[0]},
        starts=ends - np.array(lengths),
        lengths=np.array(lengths, np.int64),
        group=np.array(group, np.int64),
        constants=tuple(constants),
        padding=dict.fromkeys(pieces[0], 0),
        left=False,
    )
    return pool(tokens, np.array(numbers, np.int64).reshape(len(columns), -1), shape)


def _unpadded(features: dict[str, Any]) -> tuple[list[dict[str, NDArray[np.int32]]], dict[str, Any]]:
    """One column's rows without their padding, and what holds for all of them."""
    mask = features["attention_mask"].cpu().numpy().astype(bool)
    constants = {key: value for key, value in features.items() if not isinstance(value, Tensor)}
    values = {
        key: value.cpu().numpy().astype(np.int32)
        for key, value in features.items()
        if isinstance(value, Tensor) and key != "attention_mask"
    }
    rows = [{key: value[i][mask[i]] for key, value in values.items()} for i in range(len(mask))]
    return rows, constants
