"""Train a sentence-transformers model on triplets, with this package's engine or the stock one."""

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import sentence_transformers
import torch
from datasets import Dataset
from sentence_transformers import SentenceTransformer

from pipeline.device import ranks
from pipeline.device.attention_masks import without_waiting
from pipeline.device.compiled import compiled_layers, pays
from pipeline.device.hardware import (
    encoder_parameters,
    fast_bfloat16,
    granted_threads,
    keep_freed_memory,
    peak_flops,
)
from pipeline.device.numerics import settle
from pipeline.device.out_of_memory import is_out_of_memory
from pipeline.embedding.encode import EncodingStopped
from pipeline.engine import log_lines
from pipeline.engine.build import TrainTexts, engine_trainer, stock_trainer, train_texts, training_arguments
from pipeline.engine.checkpoints import SaveByTime, StopAtSigterm, common_checkpoint
from pipeline.engine.recipe import Hardware, Recipe, TrainingRun
from pipeline.engine.report import Cost, report
from pipeline.engine.trainer import MeasuredTrainer
from pipeline.errors import EndedBySignal, InvalidParams, TrainingFailed, first_line

# Releases whose loss and gradients the parity tests have compared with the engine's.
PARITY_TESTED = frozenset({"6.2.0"})


def fit(
    model: SentenceTransformer,
    train: Mapping[str, Sequence[str]] | Dataset,
    dev: Mapping[str, Sequence[str]] | Dataset,
    recipe: Recipe,
    hardware: Hardware,
    output_dir: Path,
    *,
    resume: bool = False,
) -> TrainingRun:
    """Train `model` in place and report how it went.

    Where a launcher started several ranks, each calls this with the same arguments and ends with the same
    weights; they are those of one process but for rounding, and for what dropout draws.

    Args:
        model: Any sentence-transformers model that encodes text; its weights become float32.
        train: Columns of text: `query`, `positive`, `negative`, and any further negatives after them.
        dev: The same columns of the dev split.
        recipe: What changes the weights.
        hardware: What the machine may spend.
        output_dir: Where checkpoints go, and are looked for.
        resume: Go on from the last checkpoint under `output_dir`, if there is one.

    Raises:
        InvalidParams: The recipe cannot be run on this data or with this model.
        TrainingFailed: Loss or gradient stopped being finite, or memory did not suffice.
        EndedBySignal: A SIGTERM stopped it, at a checkpoint once the first step was made.

    Example:
        With `model` a sentence-transformers model of at least 16 dimensions, and `folder` for checkpoints:

        >>> train = {
        ...     "query": ["fatura var mi", "hat kapalı mi"],
        ...     "positive": ["evet fatura var", "evet hat kapalı"],
        ...     "negative": ["tarife yok", "paket uzun"],
        ... }
        >>> recipe = Recipe(dims=(16, 8), batch_size=2, epochs=3, eval_steps=1, learning_rate=0.01)
        >>> trained = fit(model, train, train, recipe, Hardware(threads=1), folder)  # which logs as it goes
        step 0 of 3: on dev loss ...
        >>> trained.steps, trained.triplets
        (3, 6)
        >>> [point.step for point in trained.curve]  # step 0 is the model as it came
        [0, 1, 2, 3]
        >>> trained.curve[-1].validation_loss < trained.curve[0].validation_loss
        True
    """
    start = time.perf_counter()
    train_columns, dev_columns = _columns(train, "train"), _columns(dev, "dev")
    ranks.connect()
    _check(recipe, model, train_columns)
    threads = hardware.threads if hardware.threads is not None else max(1, granted_threads() // ranks.here())
    keep_freed_memory()
    numerics = settle(model.device)
    if any(p.dtype in (torch.float16, torch.bfloat16) for p in model.parameters()):
        model.float()  # bfloat16 autocast over float32 weights; half-precision weights lose small updates
    bf16 = recipe.bf16 and fast_bfloat16(model.device)
    arguments = training_arguments(recipe, model.device, output_dir, bf16, list(train_columns))
    torch.set_num_threads(threads)  # behind Accelerate, which sets it too
    with ExitStack() as stack:
        stack.enter_context(without_waiting(model, model.device))
        trainer: MeasuredTrainer
        if recipe.engine == "stock":
            trainer, compiled = stock_trainer(model, train_columns, dev_columns, recipe, arguments), False
        else:
            texts = train_texts(model, train_columns, recipe)
            compiled = _compiles(hardware, recipe, model, texts, bf16)
            if compiled:
                stack.enter_context(compiled_layers(model))
            trainer = engine_trainer(
                model, texts, dev_columns, recipe, hardware, arguments, compiled=compiled
            )
        ranks.seed(recipe.seed)
        checkpoint = common_checkpoint(output_dir) if resume else None
        if checkpoint is not None:
            trainer.resume(checkpoint)
            trainer.args.eval_on_start = False  # the base's scores stand in the checkpoint's log
        if hardware.save_minutes is not None:
            trainer.add_callback(SaveByTime(hardware.save_minutes))
        log_lines.install(trainer)
        stop = stack.enter_context(StopAtSigterm())
        trainer.stop_at(stop)
        try:
            trainer.train(resume_from_checkpoint=checkpoint)
        except EncodingStopped:  # of the base, or of a checkpoint that lacked it and still stands
            stop.step = trainer.state.global_step
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            # Blocks were made smaller before: this is the optimizer, or a text of the dev split on its own.
            raise TrainingFailed(
                f"out of memory at step {trainer.state.global_step}, where nothing is left to make smaller "
                f"({first_line(error)}). Take a larger device, or a smaller base"
            ) from None
        finally:
            # The trainer leaves its autocast wrapper around `forward`; the caller gets a plain model back.
            trainer.accelerator.unwrap_model(trainer.model_wrapped, keep_fp32_wrapper=False)
            # Unwrapping leaves the original method there, bound to this instance; the class has it already.
            vars(model).pop("forward", None)
        if stop.step is not None:
            ranks.objects(None)  # the one that writes the checkpoint is done with it
            raise EndedBySignal(
                f"stopped by SIGTERM behind step {stop.step} of {trainer.state.max_steps}, at a checkpoint. "
                "Run it again, which goes on from there"
                if stop.step
                else "stopped by SIGTERM before the first step, while the base was evaluated. Run it again"
            )
    cost = Cost(start, time.perf_counter() - start, bf16, compiled, numerics, threads)
    return report(trainer, recipe, list(train_columns), cost)


def _compiles(
    hardware: Hardware, recipe: Recipe, model: SentenceTransformer, texts: TrainTexts, bf16: bool
) -> bool:
    if hardware.compile is not None:
        return hardware.compile
    epochs = recipe.epochs
    if recipe.max_steps > 0:
        epochs = recipe.max_steps * recipe.batch_size / texts.texts.shape[1]
    flops = 6 * encoder_parameters(model) * texts.token_count * epochs
    rate = peak_flops(model.device, bf16)[0] if model.device.type == "cuda" else None
    return pays(model.device, flops, rate)


def _columns(split: Mapping[str, Sequence[str]] | Dataset, name: str) -> dict[str, list[str]]:
    names = split.column_names if isinstance(split, Dataset) else list(split)
    if names[:2] != ["query", "positive"]:
        raise InvalidParams(
            f"{name} split: its columns are {names}, wanted query, positive and then the negatives. "
            "Rename or reorder the columns."
        )
    return {column: list(split[column][:]) for column in names}


def _check(recipe: Recipe, model: SentenceTransformer, train: dict[str, list[str]]) -> None:
    version = sentence_transformers.__version__
    if recipe.engine == "katman" and version not in PARITY_TESTED:
        raise InvalidParams(
            f"train.engine: katman was compared with sentence-transformers "
            f"{', '.join(sorted(PARITY_TESTED))}, but {version} is installed. "
            "Set train.engine to stock, or install a version that was compared."
        )
    if recipe.engine == "stock" and ranks.count() > 1:
        raise InvalidParams(
            f"train.engine: stock trains in one process, and there are {ranks.count()}: its batches would be "
            "others. Set train.engine to katman, or hardware.launch to null."
        )
    if recipe.batch_size < ranks.count():
        raise InvalidParams(
            f"train.batch_size: {recipe.batch_size}, for {ranks.count()} processes; wanted a row for each at "
            "least. Start fewer processes (hardware.launch)."
        )
    width = model.get_embedding_dimension()
    if width is not None and max(recipe.dims) > width:
        raise InvalidParams(
            f"train.dims: {max(recipe.dims)} is more than the model's {width} dimensions. "
            f"Take only dimensions up to {width}."
        )
    if len(train["query"]) < 2:
        raise InvalidParams(
            f"train split: {len(train['query'])} rows, wanted at least 2: every other row is a negative."
        )
