"""What training takes and what it gives back, as frozen records without behaviour."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pipeline.params.train import BatchSampler
from pipeline.records import CurvePoint, Speed

Engine = Literal["katman", "stock"]


@dataclass(frozen=True)
class Recipe:
    """Everything that changes the weights that training ends with.

    Attributes:
        dims: Matryoshka dimensions that the loss sums over and the dev split is scored at.
        weights: One weight per entry of `dims`; None weighs all 1.
        n_dims_per_step: Dimensions drawn at random per step; -1 takes all.
        scale: Inverse temperature of the ranking loss.
        batch_size: Rows per optimizer step; every row is an in-batch negative for the others.
        batch_sampler: `no_duplicates` keeps equal texts out of each other's batches, where they would be
            negatives of each other; `batch` takes the rows as they come.
        mini_batch_size: Rows per forward pass. The stock engine only; katman's blocks follow lengths.
        eval_batch_size: Rows per batch of the validation loss, whose in-batch negatives it counts.
        epochs: Passes over the training rows, fractions allowed.
        max_steps: Optimizer steps; -1 lets `epochs` decide.
        learning_rate: Peak learning rate.
        lr_scheduler: A transformers scheduler name.
        warmup: Share of all steps (below 1), or number of steps, of linear warm-up.
        weight_decay: AdamW's decay of everything but biases and norms.
        adam_beta1: AdamW's decay of the first moment.
        adam_beta2: AdamW's decay of the second moment.
        adam_epsilon: AdamW's epsilon.
        max_grad_norm: Gradients are clipped to this norm; 0 never clips.
        eval_steps: Steps between two evaluations of the dev split; 0 evaluates only before step 1.
        logging_steps: Steps that one logged training loss is the mean of; 0 follows `eval_steps`.
        seed: Seed of dropout and of the order of the rows.
        bf16: Compute in bfloat16 (weights stay float32), if the device is fast at it.
        query_prompt: Put in front of every query.
        document_prompt: Put in front of every other column.
        engine: `katman` is this package; `stock` is sentence-transformers' own loss and batches.
    """

    dims: tuple[int, ...]
    weights: tuple[float, ...] | None = None
    n_dims_per_step: int = -1
    scale: float = 20.0
    batch_size: int = 256
    batch_sampler: BatchSampler = "no_duplicates"
    mini_batch_size: int = 32
    eval_batch_size: int = 256
    epochs: float = 1.0
    max_steps: int = -1
    learning_rate: float = 5e-5
    lr_scheduler: str = "cosine"
    warmup: float = 0.05
    weight_decay: float = 0.01
    adam_beta1: float = 0.9
    adam_beta2: float = 0.999
    adam_epsilon: float = 1e-8
    max_grad_norm: float = 1.0
    eval_steps: int = 0
    logging_steps: int = 0
    seed: int = 42
    bf16: bool = True
    query_prompt: str | None = None
    document_prompt: str | None = None
    engine: Engine = "katman"

    def prompt(self, column: str) -> str | None:
        """What stands in front of this column's texts."""
        return self.query_prompt if column == "query" else self.document_prompt

    def prompts(self, columns: Sequence[str]) -> dict[str, str]:
        """Prompts by column, without the empty ones."""
        return {column: prompt for column in columns if (prompt := self.prompt(column))}


@dataclass(frozen=True)
class Hardware:
    """What the machine may spend; it changes speed, never results beyond rounding.

    Attributes:
        threads: Threads of one CPU operation; None takes the physical cores granted to the process.
        memory_bytes: Budget for the graphs that the first pass keeps; None measures what is free.
        compile: Compile the encoder's layers; None compiles where the training is long enough to pay for it.
        save_minutes: Minutes between two checkpoints that a killed run goes on from; None writes none.
    """

    threads: int | None = None
    memory_bytes: int | None = None
    compile: bool | None = False
    save_minutes: float | None = None


@dataclass(frozen=True)
class TrainingRun:
    """One finished training run: its curve, its cost, and how well it used the hardware.

    Attributes:
        curve: Losses and dev accuracies by rising step; the first row holds the scores of the base model.
        speed: What the run cost, energy left out: only the machine can say that.
        evaluation_seconds: Part of `speed.seconds` spent on the dev split.
        base_evaluation_seconds: Part of `evaluation_seconds` spent on the base model; 0 in a resumed run.
        warmup_seconds: Part of `speed.seconds` before the second step, the base's evaluation left out:
            tokenizing, compiling, probes, and the first step.
        steps: Optimizer steps of the whole run.
        triplets: Rows trained on by this process (a resumed run counts from its checkpoint).
        tokens: Tokens of those rows, special tokens with them, padding not.
        repeated_text_share: Part of all tokens that stood in the batch already and was not encoded again.
        long_sequences: Sequences longer than one block's token budget, which trained alone.
        peak_flops: FLOP/s that both utilisations refer to; None where it could not be known.
        peak_flops_source: Where `peak_flops` comes from: the card's data sheet or a measured matrix product.
        memory_budget_bytes: Budget for kept graphs at the end of the run; None for the stock engine.
        out_of_memory_errors: How often memory did not suffice all the same, and one graph less was kept.
        rows_left_out: Rows per epoch, at most, that fitted into no batch because their texts repeat.
        bf16_used: Whether bfloat16 autocast was on.
        compiled: Whether the encoder's layers were compiled.
        numerics: How the device multiplied.
        training_arguments: Every argument of the Hugging Face trainer, as JSON values.
    """

    curve: tuple[CurvePoint, ...]
    speed: Speed
    evaluation_seconds: float
    base_evaluation_seconds: float
    warmup_seconds: float
    steps: int
    triplets: int
    tokens: int
    repeated_text_share: float
    long_sequences: int
    peak_flops: float | None
    peak_flops_source: str
    memory_budget_bytes: int | None
    out_of_memory_errors: int
    rows_left_out: int
    bf16_used: bool
    compiled: bool
    numerics: str
    training_arguments: dict[str, Any] = field(repr=False)
