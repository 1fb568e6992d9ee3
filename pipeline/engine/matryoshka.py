"""The ranking loss at nested dimensions from one product of queries and documents, with its gradient.

A Matryoshka loss needs the cosines of the first d_1 < d_2 < ... columns. Their dot products are sums over
blocks of columns, so each block is multiplied once and summed up, where one product per dimension would
multiply the first columns again and again: 1024 instead of 2752 columns for BGE-M3's six dimensions.
The gradient is written out by hand for the same reason: its products, too, go once over each block.

Loss: InfoNCE with in-batch negatives (van den Oord et al. 2018, https://arxiv.org/abs/1807.03748) at
every dimension (Kusupati et al. 2022, https://arxiv.org/abs/2205.13147).
"""

from collections.abc import Sequence

import torch
from torch import Tensor

# Entries of one chunk of the similarity matrix; each dimension holds one matrix of this size.
_CHUNK_ENTRIES = 1 << 22
_EPSILON = 1e-12  # as torch.nn.functional.normalize
# Devices with float64.
_DOUBLE = {"cpu", "cuda"}


def nested_ranking_loss(
    queries: Tensor,
    documents: Tensor,
    dims: Sequence[int],
    weights: Sequence[float],
    scale: float,
    *,
    with_gradient: bool,
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """Weighted sum over `dims` of the mean cross-entropy of query i against document i.

    Args:
        queries: (rows, width).
        documents: (rows * (1 + negatives), width); the first `rows` are the positives.
        dims: Numbers of leading columns that are compared by cosine, in any order, each once.
        weights: Weight of each entry of `dims`.
        scale: Factor of the cosines, the inverse temperature.
        with_gradient: Whether the gradients are wanted.

    Returns:
        The loss, and its gradients with respect to `queries` and `documents` (None if not wanted).
    """
    pairs = sorted(zip(dims, weights, strict=True))
    rows, dtype = len(queries), queries.dtype
    if with_gradient and dtype == torch.float32 and queries.device.type in _DOUBLE:
        # The gradient's terms cancel out where texts are alike, and it is divided by norms that can be small.
        # Stock divides after it has summed up; here scaling comes first, for sums over nested dimensions.
        queries, documents = queries.double(), documents.double()
    query_norms, document_norms = _norms(queries, pairs), _norms(documents, pairs)
    loss = queries.new_zeros(())
    query_gradient = torch.zeros_like(queries) if with_gradient else None
    document_gradient = torch.zeros_like(documents) if with_gradient else None
    # Per dimension, sum over columns resp. rows of gradient times dot product: the pull of the norms.
    document_pull = [documents.new_zeros(len(documents)) for _ in pairs]
    step = max(1, _CHUNK_ENTRIES // len(documents))
    for begin in range(0, rows, step):
        chunk = queries[begin : begin + step]
        index = torch.arange(len(chunk), device=queries.device)
        products = chunk.new_zeros(len(chunk), len(documents))
        by_dim: list[Tensor] = []
        query_pull: list[Tensor] = []
        previous = 0
        for k, (dim, weight) in enumerate(pairs):
            products.addmm_(chunk[:, previous:dim], documents[:, previous:dim].T)
            previous = dim
            query_scale = (scale / query_norms[k][begin : begin + step])[:, None]
            scores = products * query_scale
            scores /= document_norms[k]
            normalizer = torch.logsumexp(scores, dim=1)
            loss += weight / rows * (normalizer - scores[index, begin + index]).sum()
            if not with_gradient:
                continue
            # d loss / d products, through softmax - one-hot, scale and both norms.
            gradient = scores.sub_(normalizer[:, None]).exp_()
            gradient[index, begin + index] -= 1
            gradient *= query_scale * (weight / rows)
            gradient /= document_norms[k]
            pull = gradient * products
            query_pull.append(pull.sum(dim=1))
            document_pull[k] += pull.sum(dim=0)
            by_dim.append(gradient)
        if query_gradient is None or document_gradient is None:
            continue
        # Columns between d_(k-1) and d_k matter to dimension k and every larger one.
        for k in reversed(range(len(pairs))):
            first, last = pairs[k - 1][0] if k else 0, pairs[k][0]
            if k + 1 < len(pairs):
                by_dim[k] += by_dim[k + 1]
            query_gradient[begin : begin + step, first:last] = by_dim[k] @ documents[:, first:last]
            document_gradient[:, first:last].addmm_(by_dim[k].T, chunk[:, first:last])
        for k, (dim, _) in enumerate(pairs):
            part = slice(begin, begin + step)
            norms = query_norms[k][part]
            query_gradient[part, :dim] -= _radial(query_pull[k], norms) * chunk[:, :dim]
    if document_gradient is not None:
        for k, (dim, _) in enumerate(pairs):
            document_gradient[:, :dim] -= _radial(document_pull[k], document_norms[k]) * documents[:, :dim]
    if query_gradient is None or document_gradient is None:
        return loss, None, None
    return loss.to(dtype), query_gradient.to(dtype), document_gradient.to(dtype)


def _norms(vectors: Tensor, pairs: list[tuple[int, float]]) -> list[Tensor]:
    """Norm of the leading columns, per dimension; never 0, as in `torch.nn.functional.normalize`."""
    squares, norms, previous = vectors.new_zeros(len(vectors)), [], 0
    for dim, _ in pairs:
        squares = squares + vectors[:, previous:dim].square().sum(dim=1)
        norms.append(squares.sqrt().clamp_min(_EPSILON))
        previous = dim
    return norms


def _radial(pull: Tensor, norms: Tensor) -> Tensor:
    """Factor of the vector itself in the gradient: a cosine does not change along its own vector."""
    return (torch.where(norms > _EPSILON, pull, 0) / norms.square())[:, None]
