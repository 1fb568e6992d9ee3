"""The one function that scores a split: every text encoded once, every dimension from that encoding."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Transformer
from sentence_transformers.util import pairwise_cos_sim

from pipeline.device import ranks
from pipeline.device.hardware import release
from pipeline.device.out_of_memory import is_out_of_memory
from pipeline.embedding.length_buckets import Block, BlockShape, block_shape, cut
from pipeline.embedding.tokens import Tokens, number_texts, tokenize


class EncodingStopped(Exception):
    """Somebody asked for an end while texts were encoded; what was encoded so far is dropped."""


@dataclass(frozen=True)
class TripletScores:
    """Cosines of a split of triplets at every dimension.

    Attributes:
        dims: Dimensions, in the order of the first axis of both arrays.
        positive: cos(query, positive), (dims, rows), float32.
        negative: cos(query, negative) of each row's nearest negative, (dims, rows), float32; None of pairs.
    """

    dims: tuple[int, ...]
    positive: NDArray[np.float32]
    negative: NDArray[np.float32] | None

    def hits(self) -> NDArray[np.bool_] | None:
        """Return which rows' positive is nearer than every negative, (dims, rows); None of pairs."""
        return None if self.negative is None else self.positive > self.negative

    def accuracy(self) -> dict[int, float]:
        """Share of rows with cos(query, positive) > cos(query, negative); a tie is a miss. Empty of pairs.

        The rule of sentence-transformers' `TripletEvaluator` with its default margin of 0, and its
        arithmetic: a mean in float32.
        """
        hits = self.hits()
        if hits is None:
            return {}
        return dict(zip(self.dims, torch.from_numpy(hits).float().mean(dim=1).tolist(), strict=True))


def encode(
    model: SentenceTransformer,
    texts: Sequence[str],
    *,
    prompt: str | None,
    batch_tokens: int | None = None,
    bf16: bool = False,
) -> torch.Tensor:
    """Encode texts, each distinct one once, in batches of like length.

    Args:
        model: The model, which is put into evaluation mode, as its own `encode` does.
        texts: Cut at the model's `max_seq_length`, like there.
        prompt: Put in front of every text.
        batch_tokens: Positions per forward pass; None takes what suits the device.
        bf16: Compute in bfloat16.

    Returns:
        (texts, width) float32 on the model's device: `model.encode(texts, prompt=prompt, truncate_dim=None)`.

    Example:
        With `model` a sentence-transformers model:

        >>> texts = ["fatura var mi", "tarife", "fatura var mi"]
        >>> vectors = encode(model, texts, prompt="evet ")
        >>> vectors.shape == (3, model.get_embedding_dimension())
        True
        >>> torch.equal(vectors[0], vectors[2])  # encoded once
        True
        >>> theirs = model.encode(texts, prompt="evet ", convert_to_tensor=True, show_progress_bar=False)
        >>> torch.allclose(vectors, theirs, atol=1e-5)
        True
    """
    if not isinstance(model[0], Transformer):  # no rows of tokens to sort by length: a lookup, a bag of words
        numbers = number_texts([texts])[0]
        distinct = list(dict.fromkeys(texts))
        table = model.encode(distinct, prompt=prompt, convert_to_tensor=True, show_progress_bar=False)
        return table.float()[torch.from_numpy(numbers)]
    tokens, numbers = tokenize(model, [(texts, prompt)])
    table = encode_tokens(model, tokens, _shape(model, batch_tokens, bf16), bf16=bf16)
    return table[torch.from_numpy(numbers[0]).to(table.device)]


def score_triplets(
    model: SentenceTransformer,
    queries: Sequence[str],
    positives: Sequence[str],
    negatives: Sequence[Sequence[str]],
    dims: Sequence[int],
    *,
    query_prompt: str | None,
    document_prompt: str | None,
    bf16: bool = False,
    batch_tokens: int | None = None,
) -> TripletScores:
    """Score one split at every dimension from a single encoding of it.

    `negatives` has a text per row for each negative of a row, and nothing for pairs.

    In float32 its accuracies are those of one `TripletEvaluator(truncate_dim=d)` per dimension.

    Example:
        >>> queries, positives, negatives = ["fatura var mi"], ["evet fatura var"], [["tarife yok"]]
        >>> scores = score_triplets(
        ...     model, queries, positives, negatives, (16, 8), query_prompt=None, document_prompt=None
        ... )
        >>> scores.accuracy()
        {16: 1.0, 8: 1.0}
    """
    documents = [text for column in (positives, *negatives) for text in column]
    if query_prompt == document_prompt:
        texts = [*queries, *documents]
        table = encode(model, texts, prompt=query_prompt, batch_tokens=batch_tokens, bf16=bf16)
        query, *columns = torch.split(table, len(queries))
    else:
        query = encode(model, queries, prompt=query_prompt, batch_tokens=batch_tokens, bf16=bf16)
        table = encode(model, documents, prompt=document_prompt, batch_tokens=batch_tokens, bf16=bf16)
        columns = list(torch.split(table, len(queries)))
    return triplet_scores(query, columns[0], columns[1:], dims)


def triplet_scores(
    query: torch.Tensor, positive: torch.Tensor, negatives: Sequence[torch.Tensor], dims: Sequence[int]
) -> TripletScores:
    """Cosines at every dimension from embeddings of one split, (rows, width) each.

    A row without a number among its cosines has none as its nearest negative's either.
    """

    def cosines(document: torch.Tensor) -> NDArray[np.float32]:
        return np.stack([pairwise_cos_sim(query[:, :dim], document[:, :dim]).cpu().numpy() for dim in dims])

    nearest = np.maximum.reduce([cosines(negative) for negative in negatives]) if negatives else None
    return TripletScores(tuple(dims), cosines(positive), nearest)


@torch.inference_mode()
def encode_tokens(
    model: SentenceTransformer,
    tokens: Tokens,
    shape: BlockShape,
    *,
    bf16: bool = False,
    stopping: Callable[[], bool] = lambda: False,
) -> torch.Tensor:
    """Encode distinct texts that were tokenized before; a block that memory is too small for, in halves.

    Several ranks encode whole blocks each, so that the numbers are one process's. All of them call this, with
    the same texts. `stopping` is asked before each block.

    Returns:
        (texts, width) float32 on the model's device, in the order of `tokens`.

    Raises:
        EncodingStopped: `stopping` said yes, on this rank or another one.
    """
    model.eval()
    device = model.device
    table: torch.Tensor | None = None
    shares = _shares(cut(tokens.lengths, tokens.group, shape), ranks.count())
    blocks = list(shares[ranks.number()])  # shortest texts first, and taken from the end
    stopped = False
    with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
        while blocks and not (stopped := stopping()):
            texts, rows, width = blocks.pop()
            features = {
                key: value.to(device) if isinstance(value, torch.Tensor) else value
                for key, value in tokens.pad(texts, rows, width).items()
            }
            try:
                embeddings = model(features)["sentence_embedding"].float()
            except (RuntimeError, MemoryError) as error:
                if len(texts) == 1 or not is_out_of_memory(error):
                    raise
                embeddings = None
            if embeddings is None:  # out of the except clause, whose traceback holds what filled the memory
                release(device)
                half = len(texts) // 2
                blocks += [(texts[:half], half, width), (texts[half:], len(texts) - half, width)]
                continue
            if table is None:
                table = embeddings.new_empty(len(tokens.lengths), embeddings.shape[1])
            table[torch.from_numpy(texts).to(device)] = embeddings[: len(texts)]
    if ranks.any_of(stopped, device):  # a rank that was not asked has encoded its share by now
        raise EncodingStopped
    if table is None:
        table = torch.empty(len(tokens.lengths), model.get_embedding_dimension() or 0, device=device)
    if len(shares) == 1:
        return table
    owners = [np.concatenate([np.zeros(0, np.int64), *(texts for texts, _, _ in share)]) for share in shares]
    own, everyones = (
        torch.from_numpy(texts).to(device) for texts in (owners[ranks.number()], np.concatenate(owners))
    )
    table[everyones] = ranks.gather(table[own], [len(texts) for texts in owners])
    return table


def _shares(blocks: list[Block], count: int) -> list[list[Block]]:
    """Deal whole blocks, the largest first, each to the rank that has least to do."""
    if count == 1:
        return [blocks]
    shares: list[list[Block]] = [[] for _ in range(count)]
    positions = [0] * count
    for block in sorted(blocks, key=lambda block: -block[1] * block[2]):
        least = positions.index(min(positions))
        shares[least].append(block)
        positions[least] += block[1] * block[2]
    return shares


def _shape(model: SentenceTransformer, batch_tokens: int | None, bf16: bool) -> BlockShape:
    shape = block_shape(model.device, bf16)
    return shape if batch_tokens is None else replace(shape, tokens=batch_tokens)
