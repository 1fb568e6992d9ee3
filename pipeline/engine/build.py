"""The two trainers: this package's engine, and sentence-transformers' own parts."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainingArguments
from sentence_transformers.base.sampler import BatchSamplers
from sentence_transformers.sentence_transformer.losses import (
    CachedMultipleNegativesRankingLoss,
    MatryoshkaLoss,
)

from pipeline.embedding.length_buckets import block_shape
from pipeline.embedding.tokens import number_texts, tokenize
from pipeline.engine.batches import ROW_COLUMN, RowCollator, largest_batch
from pipeline.engine.cached_loss import NestedMatryoshkaLoss, PooledRankingLoss
from pipeline.engine.evaluator import DevEvaluator
from pipeline.engine.graph_budget import GraphBudget, default_budget
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
        save_strategy="steps" if recipe.checkpoint_steps > 0 else "no",
        save_steps=recipe.checkpoint_steps or 500,
        save_total_limit=2,
        report_to=[],
        seed=recipe.seed,
        use_cpu=device.type == "cpu",
        dataloader_pin_memory=device.type == "cuda",
    )
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
    shape = block_shape(model.device, arguments.bf16, compiled=False)
    return StockTrainer(
        model=model,
        args=arguments,
        train_dataset=_dataset(train),
        eval_dataset=_dataset(dev),
        loss=loss,
        evaluator=DevEvaluator(model, dev, recipe, shape, bf16=arguments.bf16, with_loss=False),
        mini_batch_size=recipe.mini_batch_size,
    )


def engine_trainer(
    model: SentenceTransformer,
    train: dict[str, list[str]],
    dev: dict[str, list[str]],
    recipe: Recipe,
    hardware: Hardware,
    arguments: SentenceTransformerTrainingArguments,
) -> EngineTrainer:
    """The same recipe on this package's loss, batches and evaluation."""
    numbered = number_texts(list(train.values()))
    if recipe.batch_sampler == "no_duplicates":
        fills = largest_batch(numbered, recipe.seed)
        if recipe.batch_size > fills:
            raise InvalidParams(
                f"train.batch_size: {recipe.batch_size}, but without duplicate texts a batch fills at most "
                f"{fills} rows of this split. Set train.batch_size to {fills} or less."
            )
    shape = block_shape(model.device, arguments.bf16, hardware.compile)
    limit = hardware.memory_bytes
    budget = GraphBudget(default_budget(model, model.device) if limit is None else limit)
    ranking_loss = PooledRankingLoss(
        model, shape=shape, budget=budget, scale=recipe.scale, compiled=hardware.compile
    )
    tokens, numbers = tokenize(model, [(texts, recipe.prompt(name)) for name, texts in train.items()])
    return EngineTrainer(
        model=model,
        args=arguments,
        train_dataset=Dataset.from_dict({ROW_COLUMN: list(range(numbered.shape[1]))}),
        loss=NestedMatryoshkaLoss(
            model, ranking_loss, list(recipe.dims), recipe.weights, recipe.n_dims_per_step
        ),
        evaluator=DevEvaluator(model, dev, recipe, shape, bf16=arguments.bf16, with_loss=True),
        data_collator=RowCollator(
            preprocess_fn=model.preprocess, tokens=tokens, numbers=numbers, shape=shape
        ),
        texts=numbered,
        batch_sampler=recipe.batch_sampler,
        ranking_loss=ranking_loss,
    )
