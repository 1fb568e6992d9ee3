"""The recipe in sentence-transformers' own parts, with every option that its users can turn on."""

import importlib.util
import time
from dataclasses import dataclass
from typing import Any

import torch
from sentence_transformers import (
    SentenceTransformer,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
)
from sentence_transformers.base.sampler import BatchSamplers
from sentence_transformers.sentence_transformer.evaluation import SequentialEvaluator, TripletEvaluator
from sentence_transformers.sentence_transformer.losses import (
    CachedMultipleNegativesRankingLoss,
    MatryoshkaLoss,
)


@dataclass(frozen=True)
class StockOptions:
    """What stock is run with.

    Attributes:
        dims: Matryoshka dimensions.
        batch_size: Rows per optimizer step.
        mini_batch_size: Rows per forward pass.
        mini_batch_tokens: Tokens per forward pass, padding included; None leaves it to `mini_batch_size`.
        hashed_sampler: `NO_DUPLICATES_HASHED` in place of `NO_DUPLICATES`.
        fused: The fused optimizer, which is torch's default on a GPU by now.
        compile: `torch_compile` of the trainer.
        bf16: bfloat16 autocast.
        epochs: Passes over the rows.
        max_steps: Optimizer steps; -1 leaves it to `epochs`.
        eval_steps: Steps between evaluations; 0: none.
        seed: Of dropout and order.
    """

    dims: tuple[int, ...]
    batch_size: int = 256
    mini_batch_size: int = 32
    mini_batch_tokens: int | None = None
    hashed_sampler: bool = False
    fused: bool = False
    compile: bool = False
    bf16: bool = False
    epochs: float = 1
    max_steps: int = -1
    eval_steps: int = 0
    seed: int = 42


class Timed(SequentialEvaluator):
    """A SequentialEvaluator that adds up the seconds spent inside it."""

    seconds = 0.0

    def __call__(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Score, on the clock."""
        start = time.perf_counter()
        try:
            return dict(super().__call__(*args, **kwargs))
        finally:
            self.seconds += time.perf_counter() - start


def triplets(split: Any, name: str, dims: list[int], batch_size: int) -> Timed:
    """One TripletEvaluator per dimension."""
    return Timed(
        [
            TripletEvaluator(
                split["query"][:],
                split["positive"][:],
                split["negative"][:],
                name=f"{name}-{dim}d",
                truncate_dim=dim,
                batch_size=batch_size,
            )
            for dim in dims
        ],
        main_score_function=lambda scores: scores[0],
    )


def model_options(flash_attention: bool) -> dict[str, Any]:
    """Return what a base is loaded with: with FlashAttention-2 come unpadded inputs.

    Raises:
        SystemExit: It is not installed.
    """
    if not flash_attention:
        return {"dtype": torch.float32}
    if importlib.util.find_spec("flash_attn") is None:
        raise SystemExit(
            "--flash-attention: flash_attn is not installed; wanted it. Install it, or leave it out"
        )
    return {"dtype": torch.bfloat16, "attn_implementation": "flash_attention_2"}


def stock_trainer(
    model: SentenceTransformer, train: Any, dev: Any, evaluator: Timed, options: StockOptions, out: str
) -> SentenceTransformerTrainer:
    """Return the trainer of the recipe, written as the documentation shows it."""
    o = options
    arguments = SentenceTransformerTrainingArguments(
        output_dir=out,
        num_train_epochs=o.epochs,
        max_steps=o.max_steps,
        per_device_train_batch_size=o.batch_size,
        per_device_eval_batch_size=o.batch_size,
        learning_rate=5e-5,
        weight_decay=0.01,
        lr_scheduler_type="cosine",
        warmup_steps=0.05,
        bf16=o.bf16,
        optim="adamw_torch_fused" if o.fused else "adamw_torch",
        torch_compile=o.compile,
        batch_sampler=BatchSamplers.NO_DUPLICATES_HASHED if o.hashed_sampler else BatchSamplers.NO_DUPLICATES,
        eval_strategy="steps" if o.eval_steps else "no",
        eval_steps=o.eval_steps or None,
        save_strategy="no",
        logging_steps=o.eval_steps or 10,
        report_to=[],
        seed=o.seed,
        use_cpu=not torch.cuda.is_available(),
    )
    loss = MatryoshkaLoss(
        model,
        CachedMultipleNegativesRankingLoss(
            model, mini_batch_size=o.mini_batch_size, mini_batch_num_tokens=o.mini_batch_tokens
        ),
        matryoshka_dims=list(o.dims),
    )
    return SentenceTransformerTrainer(
        model=model,
        args=arguments,
        train_dataset=train,
        eval_dataset=dev if o.eval_steps else None,
        loss=loss,
        evaluator=evaluator if o.eval_steps else None,
    )
