"""Step `train`: fine-tune the base on the clean train split.

Its stage lists no code file: `train.recipe_version` stands for the code, and a test watches it.
"""

import csv
import io
import json
import platform
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainingArguments

from pipeline.dataset import negatives
from pipeline.device import ctrl_c, hardware, installation, launch, ranks
from pipeline.embedding import loading
from pipeline.engine.fit import fit
from pipeline.engine.recipe import Hardware, Recipe, TrainingRun
from pipeline.params import Params
from pipeline.params.model import ModelParams
from pipeline.params.train import TrainParams
from pipeline.records import Training
from pipeline.stages.train.energy import Meter
from pipeline.workspace import digests, lineage, paths
from pipeline.workspace.files import write_text

# Where this run put its files, and who might push: nothing that made the weights.
_NOT_HYPERPARAMETERS = ("output_dir", "logging_dir", "run_name", "hub_", "push_to_hub", "report_to")
_LIBRARIES = ("sentence-transformers", "transformers", "torch", "accelerate", "datasets", "tokenizers")


def run(workspace: Path, params: Params) -> Training:
    """Train on `data/clean`, and write `model/` and `curves.csv`.

    A run that was killed goes on from its last checkpoint, as long as parameters, data and base are the same.
    With `hardware.launch` this process starts ranks, each of which calls this; rank 0 alone writes.

    Raises:
        InvalidParams: The recipe does not fit the model or the data.
        InvalidWorkspace: A rank has other files, parameters, code or libraries than the first one.
        TrainingFailed: Loss or gradient stopped being finite, memory did not suffice, or a rank was lost.
    """
    installation.same_versions(params.train)
    if params.hardware.launch is not None and not ranks.launched():
        launch.run(__name__, workspace, params.hardware)
        return Training.load(workspace / paths.RECORDS["train"])
    before = lineage.opened(workspace, "train")
    ranks.connect()
    ranks.agree(_facts(workspace, before))
    train, dev = (_columns(paths.clean(workspace, name)) for name in ("train", "dev"))
    if params.train.max_triplets is not None:
        train = {column: texts[: params.train.max_triplets] for column, texts in train.items()}
    model = loading.load_as(workspace / paths.BASE, params.model)
    folder = lineage.checkpoints(workspace, before)
    if ranks.number() == 0:
        together = f", {ranks.count()} processes together" if ranks.count() > 1 else ""
        print(f"train: on {installation.device()}{together}", flush=True)  # noqa: T201
    if ranks.first_here():
        _drop_superseded(folder)
        _drop_unfinished(folder)
    cards: list[frozenset[str]] = ranks.objects(hardware.card_uuids(model.device))
    with ctrl_c.gently(), Meter(used=frozenset().union(*cards)) as meter:
        trained = fit(
            model,
            train,
            dev,
            recipe(params.train, params.model),
            Hardware(**params.hardware.model_dump(exclude={"launch", "min_free_disk_bytes"})),
            folder,
            resume=True,
        )
    # Of other machines nobody here knows what they drew.
    joules = meter.joules if ranks.count() == ranks.here() else None
    record = _record(model, trained, len(train["query"]), params, joules)
    if ranks.number() > 0:
        if ranks.first_here():
            shutil.rmtree(folder, ignore_errors=True)
        return record
    shutil.rmtree(workspace / paths.MODEL, ignore_errors=True)
    model.save_pretrained(str(workspace / paths.MODEL), create_model_card=False, safe_serialization=True)
    write_text(workspace / paths.CURVES, _curves(trained, params.model.dims))
    sealed = lineage.seal(workspace, before, record)
    shutil.rmtree(folder, ignore_errors=True)
    return sealed


def summary(training: Training) -> str:
    """Return what the training cost, in a line."""
    speed = training.speed
    said = f"{training.steps} steps, {speed.triplets_per_second:.1f} triplets/s on {speed.device}"
    if training.rows_left_out:
        said += (
            f"; {training.rows_left_out} of {training.triplets} rows were never trained on, because no batch "
            "without equal texts had room for them: use smaller batches, or train.batch_sampler: batch"
        )
    return said


def recipe(train: TrainParams, model: ModelParams) -> Recipe:
    """Translate params.yaml into the engine's recipe."""
    return Recipe(
        dims=model.dims,
        weights=train.loss.matryoshka_weights,
        n_dims_per_step=train.loss.n_dims_per_step,
        scale=train.loss.scale,
        batch_size=train.batch_size,
        batch_sampler=train.batch_sampler,
        mini_batch_size=train.mini_batch_size,
        eval_batch_size=train.eval_batch_size,
        epochs=train.epochs,
        max_steps=train.max_steps,
        learning_rate=train.learning_rate,
        lr_scheduler=train.lr_scheduler,
        warmup=train.warmup_ratio,
        weight_decay=train.weight_decay,
        adam_beta1=train.adam_beta1,
        adam_beta2=train.adam_beta2,
        adam_epsilon=train.adam_epsilon,
        max_grad_norm=train.max_grad_norm,
        eval_steps=train.eval_steps,
        seed=train.seed,
        bf16=train.bf16,
        query_prompt=model.prompts.query or None,
        document_prompt=model.prompts.document or None,
        engine=train.engine,
    )


def _facts(workspace: Path, before: lineage.Opened) -> dict[str, str]:
    """Return what all ranks must have in common, each by a name that the user knows, with its digest."""
    return {
        **before.read,
        "train section in params.yaml": before.params,
        "code (pipeline)": digests.digest(workspace / "pipeline"),
        **{f"{name} (library)": version(name) for name in _LIBRARIES},
    }


def _columns(path: Path) -> dict[str, list[str]]:
    rows = pl.read_parquet(path)
    texts = {column: rows[column].to_list() for column in ("query", "positive")}
    return texts | negatives.columns(rows)


def _drop_superseded(folder: Path) -> None:
    """Remove the checkpoints of trainings on other data or parameters: nobody goes on from them."""
    for other in {checkpoint.parent for checkpoint in folder.parent.glob("*/checkpoint-*")} - {folder}:
        shutil.rmtree(other)


def _drop_unfinished(folder: Path) -> None:
    """Remove checkpoints that a kill cut off while they were written: the trainer's state comes last."""
    for checkpoint in folder.glob("checkpoint-*"):
        try:
            json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            shutil.rmtree(checkpoint)


def _curves(trained: TrainingRun, dims: tuple[int, ...]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["step", "training_loss", "validation_loss", "accuracy_full", "accuracy_smallest"])
    for row in trained.curve:
        accuracy = row.accuracy or {}
        writer.writerow(
            [row.step, row.training_loss, row.validation_loss, accuracy.get(dims[0]), accuracy.get(dims[-1])]
        )
    return text.getvalue()


def _non_default(arguments: dict[str, Any]) -> tuple[str, ...]:
    default = SentenceTransformerTrainingArguments(output_dir="none")
    defaults: dict[str, Any] = json.loads(default.to_json_string())  # type: ignore[no-untyped-call]
    return tuple(
        name
        for name, value in arguments.items()
        if not name.startswith(_NOT_HYPERPARAMETERS) and value != defaults.get(name)
    )


def _record(
    model: SentenceTransformer,
    trained: TrainingRun,
    triplets: int,
    params: Params,
    energy_joules: float | None,
) -> Training:
    train = params.train
    transformer: Any = model[0]
    return Training(
        recipe_version=train.recipe_version,
        engine=train.engine,
        loss={
            "loss": "CachedMultipleNegativesRankingLoss",
            "scale": train.loss.scale,
            "similarity_fct": "cos_sim",
            "matryoshka_dims": list(params.model.dims),
            "matryoshka_weights": list(train.loss.matryoshka_weights),
            "n_dims_per_step": train.loss.n_dims_per_step,
        },
        hyperparameters={
            name: value
            for name, value in trained.training_arguments.items()
            if not name.startswith(_NOT_HYPERPARAMETERS)
        },
        non_default=_non_default(trained.training_arguments),
        triplets=triplets,
        rows_left_out=trained.rows_left_out,
        steps=trained.steps,
        seed=train.seed,
        bf16=trained.bf16_used,
        compiled=trained.compiled,
        numerics=trained.numerics,
        curve=trained.curve,
        speed=trained.speed.model_copy(update={"energy_joules": energy_joules}),
        architecture=str(model),
        model_type=str(transformer.auto_model.config.model_type),
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        width=int(model.get_embedding_dimension() or 0),
        max_seq_length=params.model.max_seq_length,
        prompts=params.model.prompts.model_dump(),
        versions={"python": platform.python_version()} | {name: version(name) for name in _LIBRARIES},
        platform=platform.platform(),
    )
