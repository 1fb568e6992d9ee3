"""What training takes and what it gives back, as frozen records without behaviour."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

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
        checkpoint_steps: Steps between two checkpoints that a killed run resumes from; 0 keeps none.
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
    checkpoint_steps: int = 0
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
        compile: Compile the encoder with `torch.compile`.
    """

    threads: int | None = None
    memory_bytes: int | None = None
    compile: bool = False


@dataclass(frozen=True)
class CurveRow:
    """What is known after one step; None stands for what was not measured there."""

    epoch: float
    step: int
    training_loss: float | None = None
    validation_loss: float | None = None
    learning_rate: float | None = None
    accuracy: dict[int, float] | None = None


@dataclass(frozen=True)
class Curve:
    """The training curve by rising step; row 0 holds the scores of the base model."""

    rows: tuple[CurveRow, ...]


@dataclass(frozen=True)
class TrainingRun:
    """One finished training run: its curve, its cost, and how well it used the hardware.

    Attributes:
        curve: Losses and dev accuracies by step.
        seconds: Wall time of the training loop with tokenizing, batches and evaluations.
        evaluation_seconds: Part of `seconds` spent on the dev split.
        base_evaluation_seconds: Part of `evaluation_seconds` spent on the base model; 0 in a resumed run.
        steps: Optimizer steps of the whole run.
        triplets: Rows trained on by this process (a resumed run counts from its checkpoint).
        tokens: Tokens of those rows, special tokens with them, padding not.
        triplets_per_second: `triplets` over `seconds` without `evaluation_seconds`.
        tokens_per_second: `tokens` over the same time.
        padding_share: Part of all encoded positions that was padding.
        second_forward_share: Part of all encoded positions that had to be encoded a second time.
        repeated_text_share: Part of all tokens that stood in the batch already and was not encoded again.
        long_sequences: Sequences longer than one block's token budget, which trained alone.
        model_flops_utilisation: 6 FLOPs per parameter outside embedding tables and encoded token, padding and
            second passes left out, over the peak rate.
        hardware_flops_utilisation: The same with padding and second forward passes counted as work.
        peak_flops: FLOP/s that both shares refer to; None where it could not be known.
        peak_flops_source: Where `peak_flops` comes from: the card's data sheet or a measured matrix product.
        peak_memory_bytes: Peak resident set on a CPU, peak allocated memory on a GPU.
        memory_budget_bytes: Budget for kept graphs at the end of the run; None for the stock engine.
        out_of_memory_errors: How often that budget had to be halved.
        rows_left_out: Rows per epoch, at most, that fitted into no batch because their texts repeat.
        bf16_used: Whether bfloat16 autocast was on.
        threads: Threads of one CPU operation.
        device: Type and name of the device.
        training_arguments: Every argument of the Hugging Face trainer, as JSON values.
    """

    curve: Curve
    seconds: float
    evaluation_seconds: float
    base_evaluation_seconds: float
    steps: int
    triplets: int
    tokens: int
    triplets_per_second: float
    tokens_per_second: float
    padding_share: float
    second_forward_share: float
    repeated_text_share: float
    long_sequences: int
    model_flops_utilisation: float | None
    hardware_flops_utilisation: float | None
    peak_flops: float | None
    peak_flops_source: str
    peak_memory_bytes: int
    memory_budget_bytes: int | None
    out_of_memory_errors: int
    rows_left_out: int
    bf16_used: bool
    threads: int
    device: str
    training_arguments: dict[str, Any] = field(repr=False)
