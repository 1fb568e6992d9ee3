"""Whether vectors that the live model stored can stay when the candidate goes live."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from pipeline.records import Precision, Reembed
from pipeline.records.reembed import Arrangement
from pipeline.stages.evaluate.quantization import bytes_per_vector
from pipeline.stages.evaluate.retrieval import Collection, cut, means, measures, ranks

_QUANTILES = (0.05, 0.5, 0.95)
# Percent of the documents that are embedded again. What is at 10 percent is so at 50, as in a backfill.
_BACKFILLED: dict[Arrangement, int] = {"mixed_10": 10, "mixed_50": 50, "mixed_90": 90}


@dataclass(frozen=True)
class Space:
    """One model's view of the split that decides.

    Attributes:
        name: Of the vector space.
        width: Numbers per vector.
        queries: Vectors of the collection's queries, at full width.
        documents: Vectors of its documents.
        pairs: Vectors of each row's query and of its positive.
        per_hour: Texts per hour when they were encoded.
    """

    name: str
    width: int
    queries: torch.Tensor
    documents: torch.Tensor
    pairs: tuple[torch.Tensor, torch.Tensor]
    per_hour: float

    def at(self, dim: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
        """Return queries and documents at one width, of length 1."""
        return cut(self.queries, dim).to(device), cut(self.documents, dim).to(device)

    def scores(self, dim: int) -> torch.Tensor:
        """Return cos(query, positive) of each row."""
        query, positive = self.pairs
        return (cut(query, dim) * cut(positive, dim)).sum(dim=1)


def reembed(
    found: Collection,
    candidate: Space,
    live: Space | None,
    dims: Sequence[int],
    precisions: Sequence[Precision],
    max_loss: float,
    *,
    device: torch.device,
) -> Reembed:
    """Search old vectors with new queries, new ones with old queries, and indexes that hold both.

    All at the largest of `dims` that both have. Vectors of another width are never compatible, and are not
    searched with each other's queries; where live has none of `dims`, nothing of it is measured.
    """
    common = [dim for dim in dims if live is None or dim <= live.width]
    dim = (common or dims)[0]
    ndcg10: dict[Arrangement, float] = {"candidate": _ndcg10(found, *candidate.at(dim, device))}
    compatible = None if live is None else False
    score_shift: dict[str, float] = {}
    if live is not None and common:
        ndcg10["live"] = _ndcg10(found, *live.at(dim, device))
        score_shift = _score_shift(candidate.scores(dim), live.scores(dim))
        if live.width == candidate.width:
            arrangements = _arrangements(found, candidate.at(dim, device), live.at(dim, device))
            compatible = all(value >= ndcg10["live"] - max_loss for value in arrangements.values())
            ndcg10 |= arrangements
    return Reembed(
        compatible=compatible,
        space=live.name if live is not None and compatible else candidate.name,
        live_space=None if live is None else live.name,
        ndcg10=ndcg10,
        score_shift=score_shift,
        vectors_per_hour=candidate.per_hour,
        gigabytes_per_million={
            dim: {precision: bytes_per_vector(dim, precision) / 1e3 for precision in precisions}
            for dim in dims
        },
    )


Pair = tuple[torch.Tensor, torch.Tensor]


def _arrangements(found: Collection, new: Pair, old: Pair) -> dict[Arrangement, float]:
    """Return nDCG@10 of each mixture of two models' (queries, documents)."""
    ndcg10: dict[Arrangement, float] = {
        "new_on_old": _ndcg10(found, new[0], old[1]),
        "old_on_new": _ndcg10(found, old[0], new[1]),
    }
    order = torch.from_numpy(np.random.default_rng(0).permutation(len(old[1]))).to(old[1].device)
    for arrangement, percent in _BACKFILLED.items():
        documents = old[1].clone()
        moved = order[: round(len(order) * percent / 100)]
        documents[moved] = new[1][moved]
        ndcg10[arrangement] = _ndcg10(found, new[0], documents)
    return ndcg10


def _score_shift(candidate: torch.Tensor, live: torch.Tensor) -> dict[str, float]:
    shift = np.quantile(candidate.numpy(), _QUANTILES) - np.quantile(live.numpy(), _QUANTILES)
    return {str(quantile): float(value) for quantile, value in zip(_QUANTILES, shift, strict=True)}


def _ndcg10(found: Collection, queries: torch.Tensor, documents: torch.Tensor) -> float:
    return means(measures(found, ranks(found, queries, documents))).ndcg10
