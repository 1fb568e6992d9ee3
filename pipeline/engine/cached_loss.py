"""sentence-transformers' cached Matryoshka loss, over blocks of like length and with kept graphs.

GradCache (Gao et al. 2021, https://arxiv.org/abs/2101.06983) encodes every mini-batch twice: without a graph
for the loss, with one for the gradient. Here the first pass keeps as many graphs as a memory budget allows,
and only the rest is encoded again. Loss and gradients are the stock ones up to rounding; with dropout, equal
texts of a batch share one mask, because they are encoded once.

Several ranks each encode their share of a batch's texts. The embeddings are gathered, every rank computes the
whole batch's loss with the gradient of every embedding, and takes its own texts' gradients back through its
own blocks: summed over ranks, the parameters' gradients are one process's. DistributedDataParallel would add
them up in one backward pass per step; here there are as many as blocks, and not equally many on each rank, so
`pipeline.engine.trainer` adds them up behind the last one.
"""

import random
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.losses.gradcache import RandContext
from sentence_transformers.sentence_transformer.losses import (
    CachedMultipleNegativesRankingLoss,
    MatryoshkaLoss,
)
from sentence_transformers.util import cos_sim
from torch import Tensor

from pipeline.device import ranks
from pipeline.device.memory import memory_of
from pipeline.device.out_of_memory import is_out_of_memory
from pipeline.embedding.length_buckets import BlockShape
from pipeline.engine.dropout import fast_dropout
from pipeline.engine.graph_budget import GraphBudget
from pipeline.engine.graph_cost import GraphCost, measure_cost
from pipeline.engine.matryoshka import nested_ranking_loss
from pipeline.engine.pooled_batch import PooledBatch, pool_features
from pipeline.errors import TrainingFailed

# What bfloat16 rounds two passes of the same masks apart (0.01 to 0.03) is less, what other masks do is more.
_ROUNDING = 0.1


@dataclass
class _Pass:
    """What the first forward pass leaves of one block: a graph, or the state to repeat it from."""

    block: dict[str, Any]
    embeddings: Tensor
    random_state: RandContext
    kept: bool


class PooledRankingLoss(CachedMultipleNegativesRankingLoss):
    """`CachedMultipleNegativesRankingLoss` over blocks instead of mini-batches of one column.

    Takes the features of sentence-transformers' own collator, or a `PooledBatch` cut ahead of time.

    Attributes:
        shape: How blocks are cut from stock features.
        budget: Memory for kept graphs: 0 is plain GradCache, plenty never encodes twice.
        compiled: Whether `torch.compile` runs the model: it brings its own dropout.
        repeated_positions: Positions that the last backward pass encoded again.
    """

    def __init__(
        self,
        model: SentenceTransformer,
        *,
        shape: BlockShape,
        budget: GraphBudget,
        scale: float = 20.0,
        compiled: bool = False,
    ) -> None:
        super().__init__(model, scale=scale)
        self.shape = shape
        self.budget = budget
        self.compiled = compiled
        self.repeated_positions = 0
        self._replay_checked = False

    def forward(self, sentence_features: PooledBatch | Iterable[dict[str, Tensor]], labels: Tensor) -> Tensor:
        """The loss, whose backward pass fills the gradients of the model's parameters."""
        if isinstance(sentence_features, PooledBatch):
            batch = sentence_features
        else:
            batch = pool_features(sentence_features, self.shape)
        if len(batch.positions) < 2:
            raise ValueError(f"the loss takes at least 2 columns, got {len(batch.positions)}")
        device = next(self.model.parameters()).device
        positions, own = batch.positions.to(device), batch.own.to(device)
        self.repeated_positions = 0
        if not torch.is_grad_enabled():
            table = ranks.gather(
                self._table([self.encode(block) for block in batch.blocks])[own], batch.counts
            )
            with _without_autocast(device):
                return self.calculate_loss([[table[column]] for column in positions], labels)

        passes = self._all_first_passes(batch.blocks, device)
        encoded = self._table([each.embeddings.detach() for each in passes])
        table = ranks.gather(encoded[own], batch.counts)
        columns = [table[column].requires_grad_() for column in positions]
        with _without_autocast(device):
            loss = self.calculate_loss([[column] for column in columns], labels, with_backward=True)
        gradient = torch.zeros_like(table)
        for column, leaf in zip(positions, columns, strict=True):
            if leaf.grad is None:
                raise ValueError("a column got no gradient: the loss did not use it")
            gradient.index_add_(0, column, leaf.grad)
        begin = sum(batch.counts[: ranks.number()])
        of_blocks = torch.zeros_like(encoded)  # a row that only rounds a block up has none
        of_blocks[own] = gradient[begin : begin + len(own)]
        gradients = list(torch.split(of_blocks, [len(each.embeddings) for each in passes]))
        loss = loss.detach().requires_grad_()
        loss.register_hook(  # type: ignore[no-untyped-call]
            partial(self._backward, passes=passes, gradients=gradients, autocast=_autocast_state(device))
        )
        return loss

    def measure(self, block: dict[str, Any], longest: int) -> GraphCost:
        """Measure what graphs cost, and tell the budget.

        Args:
            block: Any block.
            longest: Most positions of a row.
        """
        with torch.random.fork_rng(devices=_generators(self.model)):
            self.budget.cost = measure_cost(self.encode, block, longest, memory_of(self.model))
        return self.budget.cost

    def _table(self, embeddings: list[Tensor]) -> Tensor:
        """Lay blocks' embeddings end to end in at least float32; a rank can have none."""
        if not embeddings:
            width: int = self.model.get_embedding_dimension() or 0
            return torch.zeros(0, width, device=next(self.model.parameters()).device)
        return _full(torch.cat(embeddings))

    def _all_first_passes(self, blocks: list[dict[str, Any]], device: torch.device) -> list[_Pass]:
        """Encode this rank's blocks, once every other rank has done the same.

        Raises:
            MemoryElsewhere: Another rank ran out of memory, which starts the step over.
        """
        try:
            passes = self._first_passes(blocks, device)
        except (RuntimeError, MemoryError) as error:
            if is_out_of_memory(error):
                ranks.any_of(True, device)
            raise
        if ranks.any_of(False, device):
            raise ranks.MemoryElsewhere
        return passes

    def _first_passes(self, blocks: list[dict[str, Any]], device: torch.device) -> list[_Pass]:
        if not blocks:
            return []
        cost = self.budget.cost
        if cost is None:
            cost = self.measure(blocks[0], max(block["input_ids"].shape[1] for block in blocks))
        costs = [cost(*block["input_ids"].shape) for block in blocks]
        self.budget.start_batch(max(costs))
        passes: list[_Pass] = []
        for block, bytes_needed in zip(blocks, costs, strict=True):
            state = RandContext(*(value for value in block.values() if isinstance(value, Tensor)))
            kept = self.budget.keep(bytes_needed)
            # Autocast keeps the weights that it casts for all later passes, and casts without a graph would
            # leave those without gradients: so the first pass has one.
            with torch.set_grad_enabled(kept or (not passes and torch.is_autocast_enabled(device.type))):
                embeddings = self.encode(block)
            passes.append(_Pass(block, embeddings if kept else embeddings.detach(), state, kept))
        return passes

    def _backward(
        self,
        grad_output: Tensor,
        passes: list[_Pass],
        gradients: list[Tensor],
        autocast: Callable[[], AbstractContextManager[Any]],
    ) -> None:
        """Take the cached gradients through kept graphs, newest first, then through repeated passes."""
        with torch.enable_grad(), autocast():
            for each, gradient in sorted(
                zip(reversed(passes), reversed(gradients), strict=True), key=lambda pair: not pair[0].kept
            ):
                embeddings = each.embeddings
                if not each.kept:
                    with each.random_state:
                        embeddings = self.encode(each.block)
                    self._check_replay(each.embeddings, embeddings.detach())
                    self.repeated_positions += each.block["input_ids"].numel()
                if embeddings.requires_grad:
                    torch.autograd.backward(embeddings, (gradient * grad_output).to(embeddings.dtype))
                each.embeddings = embeddings.detach()  # frees the graph before the next one is built

    def _check_replay(self, first: Tensor, again: Tensor) -> None:
        """Raise TrainingFailed if the first repeated pass of a training is not the pass that it repeats."""
        if self._replay_checked:
            return
        self._replay_checked = True
        if float((again - first).norm()) > _ROUNDING * float(first.norm()):
            raise TrainingFailed(
                "a pass repeated from the same state draws other dropout masks, so that its gradient would "
                "be another's. Set hardware.compile to false, or train.engine to stock"
            )

    def encode(self, block: dict[str, Any]) -> Tensor:
        """Encode one block, (rows, width)."""
        dropout = nullcontext() if self.compiled else fast_dropout(self.model)
        with dropout:
            # A copy, because the model's modules write their results into the features.
            embeddings: Tensor = self.model(dict(block))["sentence_embedding"]
        return embeddings


class NestedMatryoshkaLoss(MatryoshkaLoss):
    """`MatryoshkaLoss` whose cached ranking loss multiplies queries and documents once for all dimensions.

    Falls back to the stock computation where the wrapped loss is more than query against documents by cosine.
    """

    def __init__(
        self,
        model: SentenceTransformer,
        loss: CachedMultipleNegativesRankingLoss,
        matryoshka_dims: Sequence[int],
        matryoshka_weights: Sequence[float] | None = None,
        n_dims_per_step: int = -1,
    ) -> None:
        super().__init__(model, loss, matryoshka_dims, matryoshka_weights, n_dims_per_step)
        plain = (
            loss.similarity_fct is cos_sim
            and loss.directions == ("query_to_doc",)
            and not (loss.hardness_mode is not None and loss.hardness_strength > 0)
            and not loss.gather_across_devices
            and len(set(self.matryoshka_dims)) == len(self.matryoshka_dims)
        )
        if plain:
            loss.calculate_loss = self._calculate_loss  # type: ignore[method-assign]

    def _calculate_loss(
        self, reps: list[list[Tensor]], labels: Tensor | None = None, *, with_backward: bool = False
    ) -> Tensor:
        indices: Sequence[int] = range(len(self.matryoshka_dims))
        if 0 < self.n_dims_per_step < len(indices):
            # The same draw from the same generator as the stock loss makes.
            indices = random.sample(indices, self.n_dims_per_step)
        with torch.no_grad():
            loss, queries, documents = nested_ranking_loss(
                torch.cat(reps[0]),
                torch.cat([rep for column in reps[1:] for rep in column]),
                [self.matryoshka_dims[i] for i in indices],
                [self.matryoshka_weights[i] for i in indices],
                float(self.loss.scale),  # type: ignore[arg-type]
                with_gradient=with_backward,
            )
        if queries is not None and documents is not None:
            leaves = [rep for column in reps for rep in column]
            gradients = torch.cat([queries, documents]).split([len(rep) for rep in leaves])  # type: ignore[no-untyped-call]
            for rep, gradient in zip(leaves, gradients, strict=True):
                rep.grad = gradient
        return loss


def _full(embeddings: Tensor) -> Tensor:
    """At least float32: half precision costs the similarities more than it saves."""
    return embeddings.float() if embeddings.dtype in (torch.float16, torch.bfloat16) else embeddings


def _generators(model: torch.nn.Module) -> list[torch.device]:
    """Devices, beside the CPU, whose generators the model draws from."""
    device = next(model.parameters()).device
    return [device] if device.type == "cuda" else []


def _without_autocast(device: torch.device) -> AbstractContextManager[Any]:
    return torch.autocast(device.type, enabled=False)


def _autocast_state(device: torch.device) -> Callable[[], AbstractContextManager[Any]]:
    """The precision of the first pass; the backward hook may run outside of its context."""
    enabled, dtype = torch.is_autocast_enabled(device.type), torch.get_autocast_dtype(device.type)
    return lambda: torch.autocast(device.type, dtype, enabled=enabled)
