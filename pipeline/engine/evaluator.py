"""One pass per evaluation: validation loss and accuracy at every dimension from a single encoding."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.evaluation import BaseEvaluator

from pipeline.embedding.encode import encode_tokens, triplet_scores
from pipeline.embedding.length_buckets import BlockShape
from pipeline.embedding.tokens import number_texts, tokenize
from pipeline.engine.batches import form, shuffled
from pipeline.engine.matryoshka import nested_ranking_loss
from pipeline.engine.recipe import Recipe


class DevEvaluator(BaseEvaluator):
    """Scores the dev split; it is tokenized once, here, and encoded once per call.

    The validation loss is the stock one: the training loss within batches of `eval_batch_size` rows, formed
    as training forms them, the same at every evaluation, each weighted by its rows. sentence-transformers'
    trainer weights every batch but the last alike, which is the same wherever only the last is short.

    Attributes:
        stopping: Asked before each block; a yes ends the call with `EncodingStopped`.
    """

    def __init__(
        self,
        model: SentenceTransformer,
        dev: dict[str, list[str]],
        recipe: Recipe,
        shape: BlockShape,
        *,
        bf16: bool,
        with_loss: bool,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.recipe, self.shape, self.bf16 = recipe, shape, bf16
        self.stopping: Callable[[], bool] = lambda: False
        columns = list(dev.values())
        self.tokens, self.numbers = tokenize(
            model, [(texts, recipe.prompt(name)) for name, texts in dev.items()]
        )
        self.batches: list[NDArray[np.int64]] = []
        if with_loss:
            order = shuffled(len(columns[0]), recipe.seed)
            texts = number_texts(columns)
            self.batches = list(form(order, texts, recipe.eval_batch_size, recipe.batch_sampler))

    def __call__(self, model: Any, *args: Any, **kwargs: Any) -> dict[str, float]:
        """`accuracy_<dim>` for every dimension, and `loss` if it was asked for.

        Raises:
            EncodingStopped: `stopping` said yes.
        """
        table = encode_tokens(model, self.tokens, self.shape, bf16=self.bf16, stopping=self.stopping)
        columns = table[torch.from_numpy(self.numbers).to(table.device)]
        metrics: dict[str, float] = {}
        if self.batches:
            metrics["loss"] = self._loss(columns)
        scores = triplet_scores(columns[0], columns[1], list(columns[2:]), self.recipe.dims)
        return metrics | {f"accuracy_{dim}": share for dim, share in scores.accuracy().items()}

    @torch.inference_mode()
    def _loss(self, columns: torch.Tensor) -> float:
        weights = self.recipe.weights or (1.0,) * len(self.recipe.dims)
        total = 0.0
        for rows in self.batches:
            batch = columns[:, torch.from_numpy(rows).to(columns.device)]
            loss, _, _ = nested_ranking_loss(
                batch[0],
                batch[1:].flatten(0, 1),
                self.recipe.dims,
                weights,
                self.recipe.scale,
                with_gradient=False,
            )
            total += len(rows) * loss.item()
        return total / columns.shape[1]
