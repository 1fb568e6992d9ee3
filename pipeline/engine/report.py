"""The report of a finished training run: its curve and its cost."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.device import hardware, ranks
from pipeline.engine.recipe import Recipe, TrainingRun
from pipeline.engine.trainer import EngineTrainer, MeasuredTrainer
from pipeline.records import CurvePoint, Speed


@dataclass(frozen=True)
class Cost:
    """How a training ran.

    Attributes:
        start: When it began, by `time.perf_counter`.
        seconds: Wall time of everything from reading the columns to the last step.
        bf16: Whether bfloat16 autocast was on.
        compiled: Whether the encoder's layers were compiled.
        numerics: How the device multiplied.
        threads: Threads of one CPU operation.
    """

    start: float
    seconds: float
    bf16: bool
    compiled: bool
    numerics: str
    threads: int


def report(trainer: MeasuredTrainer, recipe: Recipe, columns: Sequence[str], cost: Cost) -> TrainingRun:
    """Put together what the trainer logged and counted, on all ranks together; each of them calls this.

    Args:
        trainer: After its last step.
        recipe: What it trained.
        columns: Names of the train split's columns.
        cost: How it ran.
    """
    work, device = trainer.work, trainer.model.device
    processes = ranks.count()
    padding, second_forward = ranks.total([work.padding, work.second_forward])
    training_seconds = cost.seconds - work.evaluation_seconds
    arguments = json.loads(trainer.args.to_json_string())  # type: ignore[no-untyped-call]
    arguments["prompts"] = recipe.prompts(columns) or None  # under the names that the user gave
    one_peak, source = hardware.peak_flops(device, cost.bf16)
    peak_flops = processes * one_peak if one_peak else None
    if processes > 1:
        source = f"{processes} times the {source}"
    engine = trainer if isinstance(trainer, EngineTrainer) else None
    sampler = engine.sampler if engine is not None else None
    encoded = work.tokens - work.repeated_tokens + padding
    flops_per_token = 6 * hardware.encoder_parameters(trainer.model)
    model_flops = flops_per_token * (work.tokens - work.repeated_tokens) / training_seconds
    # A token's forward pass is a third of its 6 FLOPs per parameter, the backward pass the rest.
    hardware_flops = flops_per_token * (encoded + second_forward / 3) / training_seconds
    return TrainingRun(
        curve=_curve(trainer.state.log_history, recipe.dims),
        speed=Speed(
            seconds=cost.seconds,
            triplets_per_second=work.triplets / training_seconds,
            tokens_per_second=work.tokens / training_seconds,
            padding_share=padding / encoded if encoded else 0.0,
            second_forward_share=second_forward / encoded if encoded else 0.0,
            model_flops_utilisation=model_flops / peak_flops if peak_flops else None,
            hardware_flops_utilisation=hardware_flops / peak_flops if peak_flops else None,
            peak_memory_bytes=hardware.peak_memory_bytes(device),
            energy_joules=None,
            device=hardware.device_name(device),
            threads=cost.threads,
            processes=processes,
        ),
        evaluation_seconds=work.evaluation_seconds,
        base_evaluation_seconds=work.base_evaluation_seconds,
        warmup_seconds=max(0.0, work.first_step_ended - cost.start - work.base_evaluation_seconds),
        steps=trainer.state.global_step,
        triplets=work.triplets,
        tokens=work.tokens,
        repeated_text_share=work.repeated_tokens / work.tokens if work.tokens else 0.0,
        long_sequences=work.long_sequences,
        peak_flops=peak_flops,
        peak_flops_source=source,
        memory_budget_bytes=engine.ranking_loss.budget.limit if engine is not None else None,
        out_of_memory_errors=int(
            ranks.total([0 if engine is None else engine.ranking_loss.budget.out_of_memory_errors])[0]
        ),
        rows_left_out=sampler.rows_left_out if sampler is not None else 0,
        bf16_used=cost.bf16,
        compiled=cost.compiled,
        numerics=cost.numerics,
        training_arguments=arguments,
    )


def _curve(log_history: list[dict[str, Any]], dims: Sequence[int]) -> tuple[CurvePoint, ...]:
    """Merge the trainer's log, one entry for the loss and one for the evaluation, into a row per step."""
    by_step: dict[int, dict[str, Any]] = {}
    for entry in log_history:
        by_step.setdefault(entry["step"], {}).update(entry)
    rows = []
    for step, entry in sorted(by_step.items()):
        if "loss" not in entry and "eval_loss" not in entry:
            continue
        accuracy = {dim: entry[key] for dim in dims if (key := f"eval_accuracy_{dim}") in entry}
        rows.append(
            CurvePoint(
                epoch=float(entry["epoch"]),
                step=step,
                training_loss=entry.get("loss"),
                validation_loss=entry.get("eval_loss"),
                learning_rate=entry.get("learning_rate"),
                accuracy=accuracy or None,
            )
        )
    return tuple(rows)
