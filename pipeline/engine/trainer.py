"""sentence-transformers' trainer with a clock, a count of work, and a stop at the first NaN."""

import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate.data_loader import prepare_data_loader
from datasets import Dataset
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformerTrainer
from sentence_transformers.base.losses.gradcache import RandContext
from torch.utils.data import DataLoader
from transformers.trainer_utils import EvalLoopOutput

from pipeline.device import ranks
from pipeline.device.memory import memory_of
from pipeline.device.out_of_memory import is_out_of_memory
from pipeline.embedding.encode import EncodingStopped
from pipeline.engine.batches import ROW_COLUMN, RowCollator, RowSampler
from pipeline.engine.cached_loss import PooledRankingLoss
from pipeline.engine.checkpoints import (
    StopAtSigterm,
    lacks_evaluation,
    last_checkpoint,
    leave_sigterm,
    read_losses,
    write_losses,
)
from pipeline.engine.pooled_batch import PooledBatch
from pipeline.errors import TrainingFailed, first_line
from pipeline.params.train import BatchSampler


@dataclass
class Work:
    """What this process has trained on so far, in positions of the encoder's input.

    Attributes:
        triplets: Rows.
        tokens: Tokens of those rows, without padding.
        repeated_tokens: Part of `tokens` that was not encoded, its text standing in the batch already.
        padding: Padding positions that were encoded in the first forward pass.
        second_forward: Positions, padding with them, that were encoded a second time.
        long_sequences: Sequences longer than a block's token budget.
        evaluation_seconds: Time spent on the dev split.
        base_evaluation_seconds: Part of that spent before the first step.
        first_step_ended: When the first step was done, by `time.perf_counter`; 0 before.
    """

    triplets: int = 0
    tokens: int = 0
    repeated_tokens: int = 0
    padding: int = 0
    second_forward: int = 0
    long_sequences: int = 0
    evaluation_seconds: float = 0.0
    base_evaluation_seconds: float = 0.0
    first_step_ended: float = 0.0


class MeasuredTrainer(SentenceTransformerTrainer):
    """The stock trainer, which measures its evaluations and stops where training has gone astray.

    Raises:
        TrainingFailed: Loss or gradient is NaN or infinite; names step, rows and last checkpoint.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.work = Work()
        self._rows: list[int] = []
        self._losses: list[float] = []  # since the last log: the trainer's own sum is in no checkpoint
        self._owes_evaluation = False
        self._stop: StopAtSigterm | None = None
        super().__init__(*args, **kwargs)

    def stop_at(self, stop: StopAtSigterm) -> None:
        """Let a signal end the training, and an evaluation between two of its blocks."""
        evaluator: Any = self.evaluator
        self._stop, evaluator.stopping = stop, stop.asked
        self.add_callback(stop)

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """The stock evaluation, on the clock.

        Raises:
            EncodingStopped: A signal ended it; the generators stand where they stood before.
        """
        start = time.perf_counter()
        restore = _random_state(self.model)
        try:
            metrics: dict[str, float] = super().evaluate(*args, **kwargs)
            return metrics
        except EncodingStopped:
            restore()
            raise
        finally:
            seconds = time.perf_counter() - start
            self.work.evaluation_seconds += seconds
            if self.state.global_step == 0:
                self.work.base_evaluation_seconds += seconds

    def training_step(
        self, model: torch.nn.Module, inputs: dict[str, Any], num_items_in_batch: Any = None
    ) -> torch.Tensor:
        """The stock step; its loss must be finite."""
        self._evaluate_owed()  # once the generators stand as the checkpoint says: it draws from them too
        self._rows = inputs[ROW_COLUMN].tolist()
        loss = self.one_step(model, inputs, num_items_in_batch)
        value = loss.item()
        self._stop_unless_finite("loss", value)
        self._losses.append(value)
        self.work.triplets += len(self._rows)
        self.work.first_step_ended = self.work.first_step_ended or time.perf_counter()
        return loss

    def one_step(self, model: torch.nn.Module, inputs: dict[str, Any], num_items: Any) -> torch.Tensor:
        """The stock step: loss and gradients."""
        loss: torch.Tensor = super().training_step(model, inputs, num_items)
        return loss

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        """The stock log, with the mean loss since the last one, also where a checkpoint lies between."""
        if "loss" in logs and self._losses:
            logs["loss"] = sum(self._losses) / len(self._losses)
            self._losses.clear()
        super().log(logs, *args, **kwargs)

    def resume(self, checkpoint: str) -> None:
        """Take what a checkpoint holds beside the stock state."""
        self._losses = read_losses(Path(checkpoint))
        self._owes_evaluation = lacks_evaluation(Path(checkpoint), int(self.args.eval_steps or 0))

    def _evaluate_owed(self) -> None:
        """Make the evaluation that a checkpoint lacks."""
        if self._owes_evaluation:
            self._owes_evaluation = False
            self.evaluate()

    def _maybe_log_save_evaluate(self, *args: Any, **kwargs: Any) -> None:
        """The stock one; an evaluation that a signal ended is left to whoever goes on from the checkpoint."""
        try:
            super()._maybe_log_save_evaluate(*args, **kwargs)
        except EncodingStopped:
            assert self._stop is not None  # who else asks for it
            self._stop.behind(self.state, self.control)
            super()._maybe_log_save_evaluate(*args, **kwargs)

    def _run_epoch(self, *args: Any, **kwargs: Any) -> None:
        """The stock one; behind the last step, where such a checkpoint lies, it would make one more."""
        if self.state.global_step >= self.state.max_steps:
            self.control.should_training_stop = True
            return
        super()._run_epoch(*args, **kwargs)  # type: ignore[no-untyped-call]

    def _finalize_training(self, *args: Any, **kwargs: Any) -> Any:
        self._evaluate_owed()  # of the last step
        return super()._finalize_training(*args, **kwargs)  # type: ignore[no-untyped-call]

    def _build_dataloader(self, *args: Any, **kwargs: Any) -> DataLoader[Any]:
        loader: DataLoader[Any] = super()._build_dataloader(*args, **kwargs)
        for each in (loader, getattr(loader, "base_dataloader", loader)):  # accelerate keeps one within
            each.worker_init_fn = leave_sigterm
        return loader

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        if ranks.number() == 0:
            folder = Path(str(self.args.output_dir)) / f"checkpoint-{self.state.global_step}"
            write_losses(folder, self._losses)
        super()._save_checkpoint(model, trial)

    def _get_grad_norm(self, model: torch.nn.Module, grad_norm: Any = None) -> Any:
        norm = super()._get_grad_norm(model, grad_norm=grad_norm)  # type: ignore[no-untyped-call]
        self._stop_unless_finite("gradient norm", float(norm))
        return norm

    def _stop_unless_finite(self, what: str, value: float) -> None:
        if not math.isfinite(value):
            raise self._failure(
                f"the {what} is {value}, wanted a finite number",
                "Look at these rows, or lower train.learning_rate, and run again.",
            )

    def _failure(self, found: str, advice: str) -> TrainingFailed:
        return TrainingFailed(
            f"step {self.state.global_step + 1}: {found}; "
            f"rows of the batch in the train split: {self._rows}; "
            f"last good checkpoint: {last_checkpoint(self.args.output_dir) or 'none'}. {advice}"
        )


class StockTrainer(MeasuredTrainer):
    """The stock engine: counts what sentence-transformers' own loss encodes."""

    def __init__(self, *args: Any, mini_batch_size: int, **kwargs: Any) -> None:
        self._mini_batch_size = mini_batch_size
        super().__init__(*args, **kwargs)

    def training_step(
        self, model: torch.nn.Module, inputs: dict[str, Any], num_items_in_batch: Any = None
    ) -> torch.Tensor:
        """The stock step, counted."""
        for key, mask in inputs.items():
            if key.endswith("_attention_mask"):
                tokens = int(mask.sum())
                # The loss cuts trailing padding off each mini-batch, so only its longest row counts.
                chunks = mask.sum(dim=1).split(self._mini_batch_size)
                positions = sum(len(chunk) * int(chunk.max()) for chunk in chunks)
                self.work.tokens += tokens
                self.work.padding += positions - tokens
                self.work.second_forward += positions
        return super().training_step(model, inputs, num_items_in_batch)


class EngineTrainer(MeasuredTrainer):
    """The katman engine: its batches, its loss, and a step that survives a lack of memory."""

    data_collator: RowCollator

    def __init__(
        self,
        *args: Any,
        texts: NDArray[np.int64],
        batch_sampler: BatchSampler,
        ranking_loss: PooledRankingLoss,
        **kwargs: Any,
    ) -> None:
        self._texts = texts
        self._batch_sampler = batch_sampler
        self.ranking_loss = ranking_loss
        self.sampler: RowSampler | None = None
        super().__init__(*args, **kwargs)

    def get_batch_sampler(self, dataset: Dataset, *args: Any, **kwargs: Any) -> RowSampler:
        """The sampler over texts numbered ahead of time."""
        self.sampler = RowSampler(dataset, *args, **kwargs, texts=self._texts, sampler=self._batch_sampler)
        return self.sampler

    def get_train_dataloader(self) -> DataLoader[Any]:
        """The stock one; on several ranks each gets every batch whole, and the collator takes its share."""
        if ranks.count() == 1:
            loader: DataLoader[Any] = super().get_train_dataloader()
            return loader
        built = self._build_dataloader(self.train_dataset, self.args.train_batch_size, dataset_kind="train")
        loader = prepare_data_loader(
            built, self.args.device, num_processes=1, process_index=0, put_on_device=True
        )
        self._train_dataloader = loader
        return loader

    def override_model_in_loss(self, loss: torch.nn.Module, model: torch.nn.Module) -> torch.nn.Module:
        """The loss as it is, with the plain model: gradients are added up behind its last block."""
        return loss

    def evaluation_loop(self, *args: Any, **kwargs: Any) -> EvalLoopOutput:
        """The stock loop; of several ranks each runs the evaluator, which encodes that rank's share."""
        if ranks.count() == 1:
            alone: EvalLoopOutput = super().evaluation_loop(*args, **kwargs)
            return alone
        evaluator: Any = self.evaluator
        self.evaluator = None
        try:
            output = super().evaluation_loop(*args, **kwargs)
        finally:
            self.evaluator = evaluator
        scores = {f"eval_{name}": value for name, value in evaluator(self.model).items()}
        return output._replace(metrics={**(output.metrics or {}), **scores})

    def collect_features(self, inputs: dict[str, Any]) -> tuple[Any, torch.Tensor]:
        """The blocks, which the collator has cut already."""
        batch = PooledBatch(inputs["blocks"], inputs["own"], tuple(inputs["counts"]), inputs["positions"])
        return batch, inputs[ROW_COLUMN]

    def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
        """None: the pipeline writes its own card, and this one tokenizes examples for its own."""

    def one_step(self, model: torch.nn.Module, inputs: dict[str, Any], num_items: Any) -> torch.Tensor:
        """One step; out of memory, it starts over with the same dropout and one kept graph less.

        Ranks start over together: the one that lacked memory keeps less.

        Raises:
            TrainingFailed: Not even one sequence at a time fits.
        """
        step, device = super().one_step, self.args.device
        restore = _random_state(model)
        while True:
            reason: str | None = None
            again = False
            if inputs["block_tokens"] != self.data_collator.shape.tokens:
                inputs = self.data_collator([{ROW_COLUMN: row} for row in inputs[ROW_COLUMN].tolist()])
            try:
                # One context for all passes of the step: it casts each weight once, not once per block.
                with torch.autocast(device.type, torch.bfloat16, enabled=self.args.bf16):
                    loss = step(model, dict(inputs), num_items)
            except ranks.MemoryElsewhere:
                again = True
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                reason = first_line(error)
            if not ranks.any_of(again or reason is not None, device):
                ranks.add_gradients(model.parameters())
                self.ranking_loss.budget.finish_batch()
                self._count(inputs)
                return loss
            # Out of the except clause: the error's traceback holds the frames that hold the graphs.
            if reason is not None:
                self._spend_less(inputs, reason)
            model.zero_grad(set_to_none=True)
            restore()
            memory_of(model).release()

    def _spend_less(self, inputs: dict[str, Any], reason: str) -> None:
        """Keep one graph less; once none is kept, halve the blocks themselves."""
        if self.ranking_loss.budget.one_block_less():
            return
        if all(len(block["input_ids"]) == 1 for block in inputs["blocks"]):
            raise self._failure(
                f"out of memory with one sequence at a time ({reason})",
                "Lower the model's max_seq_length or take a larger device.",
            )
        collator = self.data_collator
        collator.shape = replace(collator.shape, tokens=max(1, collator.shape.tokens // 2))

    def _count(self, inputs: dict[str, Any]) -> None:
        self.work.tokens += inputs["token_count"]
        self.work.repeated_tokens += inputs["token_count"] - inputs["distinct_token_count"]
        self.work.padding += inputs["padding"]
        self.work.second_forward += self.ranking_loss.repeated_positions
        self.work.long_sequences += inputs["long_sequence_count"]


def _random_state(model: torch.nn.Module) -> Callable[[], None]:
    """A function that puts every generator that a step draws from back to where it stands now."""
    drawn = random.getstate()
    devices = RandContext(*list(model.parameters())[:1])

    def restore() -> None:
        random.setstate(drawn)
        torch.set_rng_state(devices.fwd_cpu_state)
        for device, state in zip(devices.fwd_gpu_devices, devices.fwd_gpu_states, strict=True):
            torch.cuda.set_rng_state(state, device)

    return restore
