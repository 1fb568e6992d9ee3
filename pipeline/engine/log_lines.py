"""What a training says as it goes: a line for each loss and each evaluation, above the trainer's bar."""

import re
from collections.abc import Mapping
from typing import Any

from transformers import ProgressCallback, Trainer

_ACCURACY = re.compile(r"eval_accuracy_(\d+)")


class LogLines(ProgressCallback):
    """The library's own bar; what it logs stands there in words, where the library prints its dict."""

    def on_log(
        self, args: Any, state: Any, control: Any, logs: Mapping[str, float] | None = None, **kwargs: Any
    ) -> None:
        """Write a line, where a person would read it."""
        said = line(state.global_step, state.max_steps, logs or {})
        if said is not None and state.is_world_process_zero and self.training_bar is not None:
            self.training_bar.write(said)


def install(trainer: Trainer) -> None:
    """Have a trainer that shows its progress show it so."""
    if trainer.pop_callback(ProgressCallback) is not None:
        trainer.add_callback(LogLines())


def line(step: int, steps: int, logs: Mapping[str, float]) -> str | None:
    """Return what was logged behind a step, as a line; None where it is neither a loss nor an evaluation.

    Example:
        >>> line(20, 100, {"loss": 0.25, "grad_norm": 1.5, "learning_rate": 2e-05, "epoch": 0.2})
        'step 20 of 100: loss 0.2500, gradient norm 1.5, learning rate 2e-05'
        >>> line(20, 100, {"eval_loss": 0.5, "eval_accuracy_384": 0.93, "eval_accuracy_64": 0.92})
        'step 20 of 100: on dev loss 0.5000, accuracy 0.9300 at 384, 0.9200 at 64'
    """
    at = f"step {step:,} of {steps:,}"
    if "loss" in logs:
        parts = [f"loss {logs['loss']:.4f}"]
        parts += [f"gradient norm {logs['grad_norm']:.3g}"] if "grad_norm" in logs else []
        parts += [f"learning rate {logs['learning_rate']:.3g}"] if "learning_rate" in logs else []
        return f"{at}: {', '.join(parts)}"
    if "eval_loss" in logs:
        parts = [f"on dev loss {logs['eval_loss']:.4f}"]
        found = {int(key[1]): value for name, value in logs.items() if (key := _ACCURACY.fullmatch(name))}
        scores = [f"{found[dim]:.4f} at {dim}" for dim in sorted(found, reverse=True)]
        parts += [f"accuracy {', '.join(scores)}"] if scores else []
        return f"{at}: {', '.join(parts)}"
    return None
