"""The two trainers: this package's engine, and sentence-transformers' own parts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainingArguments
from sentence_transformers.base.sampler import BatchSamplers
from sentence_transformers.sentence_transformer.losses import (
    CachedMultipleNegativesRankingLoss,
    MatryoshkaLoss,
)

from pipeline.device import ranks
from pipeline.device.compiled import busy_positions
from pipeline.device.hardware import encoder_parameters, peak_flops
from pipeline.device.memory import memory_of
from pipeline.embedding.length_buckets import BlockShape, block_shape, shape_within
from pipeline.embedding.tokens import Tokens, number_texts, tokenize
from pipeline.engine.batches import ROW_COLUMN, RowCollator, largest_batch
from pipeline.engine.cached_loss import NestedMatryoshkaLoss, PooledRankingLoss
from pipeline.engine.evaluator import DevEvaluator
from pipeline.engine.graph_budget import GraphBudget, granted
from pipeline.engine.recipe import Hardware, Recipe
from pipeline.engine.trainer import EngineTrainer, StockTrainer
from pipeline.errors import InvalidParams
from pipeline.params.train import BatchSampler

_SAMPLERS: dict[BatchSampler, BatchSamplers] = {
    "no_duplicates": BatchSamplers.NO_DUPLICATES,
    "batch": BatchSamplers.BATCH_SAMPLER,
}


def training_arguments(
    recipe: Recipe, device: torch.device, output_dir: Path, bf16: bool, columns: Sequence[str]
) -> SentenceTransformerTrainingArguments:
    """The recipe in the words of the Hugging Face trainer."""
    arguments = SentenceTransformerTrainingArguments(
        output_dir=str(output_dir),
        num_train_epochs=recipe.epochs,
        max_steps=recipe.max_steps,
        per_device_train_batch_size=recipe.batch_size,
        per_device_eval_batch_size=recipe.eval_batch_size,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type=recipe.lr_scheduler,
        warmup_steps=recipe.warmup,
        weight_decay=recipe.weight_decay,
        adam_beta1=recipe.adam_beta1,
        adam_beta2=recipe.adam_beta2,
        adam_epsilon=recipe.adam_epsilon,
        max_grad_norm=recipe.max_grad_norm,
        optim="adamw_torch_fused",
        bf16=bf16,
        batch_sampler=_SAMPLERS[recipe.batch_sampler],
        prompts=_neutral_prompts(recipe, columns) or None,
        eval_strategy="steps" if recipe.eval_steps > 0 else "no",
        eval_steps=recipe.eval_steps or None,
        eval_on_start=True,
        logging_steps=recipe.logging_steps or recipe.eval_steps or 10,
        logging_nan_inf_filter=False,
        save_strategy="no",  # by the clock instead, see `pipeline.engine.checkpoints`
        save_total_limit=1,
        report_to=[],
        seed=recipe.seed,
        use_cpu=device.type == "cpu",
        # The next batch is cut into blocks while the GPU works on this one.
        dataloader_num_workers=1 if device.type == "cuda" and recipe.engine == "katman" else 0,
        dataloader_pin_memory=device.type == "cuda",
        dataloader_drop_last=ranks.count() > 1,  # what it would set by itself, and warn of
    )
    arguments.dataloader_drop_last = False  # every rank gets every batch, the last one too
    if arguments.n_gpu > 1:
        arguments._n_gpu = 1  # else the trainer would copy the model to every card at every step
    return arguments


def _neutral(columns: Sequence[str]) -> list[str]:
    """Names of which none is a prefix of another: the trainer would take `negative_2` for `negative`."""
    return [f"text{i}" for i in range(len(columns))]


def _neutral_prompts(recipe: Recipe, columns: Sequence[str]) -> dict[str, str]:
    named = zip(_neutral(columns), columns, strict=True)
    return {neutral: prompt for neutral, column in named if (prompt := recipe.prompt(column))}


def _dataset(columns: dict[str, list[str]]) -> Dataset:
    data: dict[str, Any] = dict(zip(_neutral(list(columns)), columns.values(), strict=True))
    return Dataset.from_dict(data | {ROW_COLUMN: list(range(len(columns["query"])))})


def stock_trainer(
    model: SentenceTransformer,
    train: dict[str, list[str]],
    dev: dict[str, list[str]],
    recipe: Recipe,
    arguments: SentenceTransformerTrainingArguments,
) -> StockTrainer:
    """The recipe as sentence-transformers' documentation writes it, but for the one-pass accuracies."""
    loss = MatryoshkaLoss(
        model,
        CachedMultipleNegativesRankingLoss(model, scale=recipe.scale, mini_batch_size=recipe.mini_batch_size),
        matryoshka_dims=list(recipe.dims),
        matryoshka_weights=None if recipe.weights is None else list(recipe.weights),
        n_dims_per_step=recipe.n_dims_per_step,
    )
    shape = block_shape(model.device, arguments.bf16)
    return StockTrainer(
        model=model,
        args=arguments,
        train_dataset=_dataset(train),
        eval_dataset=_dataset(dev),
        loss=loss,
        evaluator=DevEvaluator(model, dev, recipe, shape, bf16=arguments.bf16, with_loss=False),
        mini_batch_size=recipe.mini_batch_size,
    )


@dataclass(frozen=True)
class TrainTexts:
    """The train split as the engine reads it.

    Attributes:
        texts: (columns, rows) number of each text; equal texts have equal numbers.
        tokens: The tokens of all distinct texts under their prompts.
        numbers: (columns, rows) numbers of the texts in `tokens`.
    """

    texts: NDArray[np.int64]
    tokens: Tokens
    numbers: NDArray[np.int64]

    @property
    def token_count(self) -> int:
        """Tokens of one epoch."""
        return int(self.tokens.lengths[self.numbers].sum())


def train_texts(model: SentenceTransformer, train: dict[str, list[str]], recipe: Recipe) -> TrainTexts:
    """Number and tokenize the train split.

    Raises:
        InvalidParams: A batch cannot be filled without duplicate texts.
    """
    texts = number_texts(list(train.values()))
    if recipe.batch_sampler == "no_duplicates":
        fills = largest_batch(texts, recipe.seed)
        if recipe.batch_size > fills:
            raise InvalidParams(
                f"train.batch_size: {recipe.batch_size}, but without duplicate texts a batch fills at most "
                f"{fills} rows of this split. Set train.batch_size to {fills} or less."
            )
    tokens, numbers = tokenize(model, [(column, recipe.prompt(name)) for name, column in train.items()])
    return TrainTexts(texts, tokens, numbers)


def engine_trainer(
    model: SentenceTransformer,
    train: TrainTexts,
    dev: dict[str, list[str]],
    recipe: Recipe,
    hardware: Hardware,
    arguments: SentenceTransformerTrainingArguments,
    *,
    compiled: bool,
) -> EngineTrainer:
    """The same recipe on this package's loss, batches and evaluation.

    Blocks and budget are made for the memory at hand, from small probes of the model.
    """
    memory = memory_of(model)
    free = granted(memory, model, half_weights=arguments.bf16)
    budget = GraphBudget(free if hardware.memory_bytes is None else hardware.memory_bytes)
    shape = block_shape(model.device, arguments.bf16)
    ranking_loss = PooledRankingLoss(model, shape=shape, budget=budget, scale=recipe.scale, compiled=compiled)
    shape = _fitted(ranking_loss, train.tokens, free(0), arguments.bf16)
    return EngineTrainer(
        model=model,
        args=arguments,
        train_dataset=Dataset.from_dict({ROW_COLUMN: list(range(train.texts.shape[1]))}),
        loss=NestedMatryoshkaLoss(
            model, ranking_loss, list(recipe.dims), recipe.weights, recipe.n_dims_per_step
        ),
        evaluator=DevEvaluator(model, dev, recipe, shape, bf16=arguments.bf16, with_loss=True),
        data_collator=RowCollator(
            preprocess_fn=model.preprocess,
            tokens=train.tokens,
            numbers=train.numbers,
            shape=shape,
            rank=ranks.number(),
            ranks=ranks.count(),
        ),
        texts=train.texts,
        batch_sampler=recipe.batch_sampler,
        ranking_loss=ranking_loss,
    )


def _fitted(loss: PooledRankingLoss, tokens: Tokens, bytes_free: int, bf16: bool) -> BlockShape:
    """Try a block, tell the budget what graphs cost, and return how large blocks may be."""
    model, device = loss.model, loss.model.device
    training = model.training
    model.train()
    block = {
        key: value.to(device) if isinstance(value, torch.Tensor) else value
        for key, value in tokens.pad(np.zeros(1, np.int64), 8, int(tokens.lengths[0])).items()
    }
    try:
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            cost = loss.measure(block, int(tokens.lengths.max()))
    finally:
        model.train(training)
    shape = replace(loss.shape, aligned=not (loss.compiled and device.type == "cuda"))
    rate = peak_flops(device, bf16)[0] if device.type == "cuda" else None
    least = busy_positions(model.transformers_model, encoder_parameters(model), rate)
    return shape_within(shape, bytes_free, cost.per_position, least)
