"""Training through the step: what it saves, what it records, and how it goes on after a kill."""

import contextlib
import csv
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import psutil  # type: ignore[import-untyped]
import pytest
from sentence_transformers import SentenceTransformer

from pipeline.engine.checkpoints import SaveByTime
from pipeline.engine.fit import fit
from pipeline.engine.recipe import TrainingRun
from pipeline.errors import EndedBySignal, InvalidParams
from pipeline.params import load
from pipeline.params.train import TrainParams
from pipeline.records import Training
from pipeline.stages.train import step as train
from pipeline.workspace import digests, lineage
from pipeline.workspace.paths import RECORDS
from tests.support.workspaces import MIXED, environment, set_params


@pytest.fixture(scope="module")
def record(finished: Path) -> Training:
    return Training.load(finished / RECORDS["train"])


def test_train_refuses_libraries_that_params_do_not_name(line: Path) -> None:
    set_params(line, {"train.versions": {"torch": "2.0.0", "sentence_transformers": "6.2.0"}})
    with pytest.raises(InvalidParams, match=r"train.versions.torch is 2.0.0 and 2\.\S+ is installed"):
        train.run(line, load(line))


def test_train_records_the_base_and_every_evaluation(record: Training) -> None:
    assert [point.step for point in record.curve] == [0, 2, 4, 6, 8]
    for point in record.curve:
        assert point.accuracy is not None
        assert list(point.accuracy) == MIXED["model.dims"]
        assert point.validation_loss is not None
        assert point.epoch == pytest.approx(point.step / 4)
    first, *later = record.curve
    assert (first.training_loss, first.learning_rate) == (None, None)
    assert all(point.training_loss is not None and point.learning_rate is not None for point in later)
    assert record.steps == 8


def test_train_curves_for_plots_are_those_of_the_record(finished: Path, record: Training) -> None:
    with (finished / "curves.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["step"]) for row in rows] == [point.step for point in record.curve]
    for row, point in zip(rows, record.curve, strict=True):
        assert point.accuracy is not None
        assert float(row["accuracy_full"]) == point.accuracy[32]
        assert float(row["accuracy_smallest"]) == point.accuracy[4]
        assert row["training_loss"] == ("" if point.training_loss is None else str(point.training_loss))


def test_train_counts_rows_and_not_rows_seen(finished: Path, record: Training) -> None:
    # Two epochs over 60 rows.
    assert record.triplets == pl.read_parquet(finished / "data" / "clean" / "train.parquet").height == 60


def test_train_saves_safetensors_only(finished: Path) -> None:
    suffixes = {path.suffix for path in (finished / "model").rglob("*") if path.is_file()}
    assert suffixes == {".json", ".safetensors"}
    assert not list(finished.glob(".checkpoints/*/checkpoint-*"))


def test_train_saves_length_and_prompts_with_the_model(finished: Path, record: Training) -> None:
    model = SentenceTransformer(str(finished / "model"), device="cpu")
    assert model.max_seq_length == record.max_seq_length == 16
    assert record.prompts == {"query": "mi ", "document": "evet "}
    assert {name: model.prompts[name] for name in record.prompts} == record.prompts
    for ask, prompt in ((model.encode_query, "mi "), (model.encode_document, "evet ")):
        plain = model.encode([f"{prompt}fatura var"], prompt="", convert_to_tensor=True)
        assert (ask(["fatura var"], convert_to_tensor=True) - plain).abs().max() < 1e-6
        assert (model.encode(["fatura var"], prompt="", convert_to_tensor=True) - plain).abs().max() > 1e-3


def test_train_trained_with_the_prompts(record: Training) -> None:
    assert list(record.hyperparameters["prompts"].values()) == ["mi ", "evet ", "evet "]


def test_train_record_holds_the_recipe_and_no_path(finished: Path, record: Training) -> None:
    wanted = {
        "learning_rate": 0.001,
        "lr_scheduler_type": "cosine",
        "warmup_steps": 0.05,
        "weight_decay": 0.01,
        "per_device_train_batch_size": 16,
        "num_train_epochs": 2.0,
        "batch_sampler": "no_duplicates",
        "seed": 42,
        "eval_steps": 2,
    }
    assert {name: record.hyperparameters[name] for name in wanted} == wanted
    assert record.loss["matryoshka_dims"] == [32, 16, 4]
    assert (record.seed, record.bf16, record.width, record.model_type) == (42, False, 32, "bert")
    text = (finished / RECORDS["train"]).read_text(encoding="utf-8")
    assert str(finished) not in text
    assert "hf_" not in text


def test_train_translates_every_hyperparameter(finished: Path) -> None:
    params = load(finished)
    found = train.recipe(params.train, params.model)
    changes: dict[str, Any] = {
        "epochs": 3.0,
        "max_steps": 7,
        "batch_size": 9,
        "mini_batch_size": 3,
        "learning_rate": 0.5,
        "lr_scheduler": "linear",
        "warmup_ratio": 0.25,
        "weight_decay": 0.5,
        "adam_beta1": 0.5,
        "adam_beta2": 0.6,
        "adam_epsilon": 0.1,
        "max_grad_norm": 0.0,
        "bf16": True,
        "eval_steps": 0,
        "eval_batch_size": 5,
        "seed": 0,
        "engine": "stock",
        "batch_sampler": "batch",
    }
    names = {"warmup_ratio": "warmup"}
    # What is no field of the recipe by itself: the loss is taken apart, the others say what it is trained on.
    elsewhere = {"recipe_version", "versions", "loss", "max_triplets"}
    assert set(changes) | elsewhere == set(TrainParams.model_fields), "a key that nobody reads"
    for name, value in changes.items():
        other = train.recipe(params.train.model_copy(update={name: value}), params.model)
        assert other == replace(found, **{names.get(name, name): value})


def test_train_again_gives_the_same_weights(line: Path, finished: Path) -> None:
    train.run(line, load(line))
    assert digests.digest(line / "model") == digests.digest(finished / "model")


def test_train_with_another_seed_gives_other_weights(line: Path, finished: Path) -> None:
    set_params(line, {"train.seed": 1})
    train.run(line, load(line))
    assert digests.digest(line / "model") != digests.digest(finished / "model")


def test_train_stock_engine_gives_nearly_the_same_curve(line: Path, record: Training) -> None:
    set_params(line, {"train.engine": "stock"})
    found = train.run(line, load(line))
    assert found.engine == "stock"
    assert [point.step for point in found.curve] == [point.step for point in record.curve]
    before = record.curve[0].accuracy
    assert found.curve[0].accuracy == before


def test_train_on_fewer_triplets_says_so(line: Path) -> None:
    set_params(line, {"train.max_triplets": 20, "train.epochs": 1, "train.eval_steps": 0})
    found = train.run(line, load(line))
    assert (found.triplets, found.steps) == (20, 2)


def test_train_refuses_a_dimension_larger_than_the_models(line: Path, finished: Path) -> None:
    set_params(line, {"model.dims": [64, 16, 4], "gate.floors": {64: 0.0, 16: 0.0, 4: 0.0}})
    with pytest.raises(InvalidParams, match=r"model.dims asks for 64 dimensions and the base has 32"):
        train.run(line, load(line))
    assert digests.digest(line / "model") == digests.digest(finished / "model")
    assert (line / RECORDS["train"]).read_bytes() == (finished / RECORDS["train"]).read_bytes()


def test_train_refuses_a_batch_that_the_split_cannot_fill(line: Path) -> None:
    set_params(line, {"train.batch_size": 2048})
    with pytest.raises(InvalidParams, match=r"train.batch_size: 2048"):
        train.run(line, load(line))


def stale(folder: Path) -> set[str]:
    from dvc.repo import Repo

    with contextlib.chdir(folder), Repo() as repo:
        return set(repo.status())


def test_train_is_stale_after_its_parameters_and_not_after_the_hardware_changed(line: Path) -> None:
    assert stale(line) == set()
    set_params(line, {"hardware.threads": 2, "hub.timeout_seconds": 3})
    assert stale(line) == set()
    for key, value in (
        ("train.learning_rate", 0.5),
        ("train.recipe_version", 99),
        ("model.prompts.query", "x "),
    ):
        before = (line / "params.yaml").read_bytes()
        set_params(line, {key: value})
        assert "train" in stale(line)
        (line / "params.yaml").write_bytes(before)
    with (line / "pipeline/stages/train/step.py").open("a", encoding="utf-8") as file:
        file.write("# A remark costs no training.\n")
    assert "train" not in stale(line)


def test_train_names_a_run_by_all_that_it_depends_on(line: Path) -> None:
    first = lineage.checkpoints(line, lineage.opened(line, "train"))
    set_params(line, {"hardware.threads": 2, "gate.retention": 0.5})
    assert lineage.checkpoints(line, lineage.opened(line, "train")) == first
    set_params(line, {"train.learning_rate": 0.5})
    second = lineage.checkpoints(line, lineage.opened(line, "train"))
    path = line / "data" / "clean" / "train.parquet"
    pl.read_parquet(path).head(30).write_parquet(path)
    assert len({first, second, lineage.checkpoints(line, lineage.opened(line, "train"))}) == 3


def test_train_removes_the_checkpoints_of_other_trainings_alone(line: Path) -> None:
    other, kept = line / ".checkpoints/0123456789abcdef/checkpoint-5", line / ".checkpoints/trials/base.json"
    other.mkdir(parents=True)
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text("{}", encoding="utf-8")
    train.run(line, load(line))
    assert not other.parent.exists()
    assert kept.exists()


def watch(monkeypatch: pytest.MonkeyPatch) -> list[TrainingRun]:
    """Keep what the engine reports, which counts the work of this process alone."""
    seen: list[TrainingRun] = []

    def watched(*arguments: Any, **options: Any) -> TrainingRun:
        seen.append(fit(*arguments, **options))
        return seen[-1]

    monkeypatch.setattr(train, "fit", watched)
    return seen


LONG = {"train.epochs": 10, "train.eval_steps": 5}


@pytest.fixture(scope="module")
def whole(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace whose long training nobody interrupted."""
    folder = Path(shutil.copytree(finished, tmp_path_factory.mktemp("whole") / "work", symlinks=True))
    set_params(folder, LONG)
    train.run(folder, load(folder))
    return folder


@pytest.fixture(scope="module")
def killed(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace whose training got a SIGKILL some steps behind its first checkpoint."""
    root = tmp_path_factory.mktemp("killed")
    folder = Path(shutil.copytree(finished, root / "work", symlinks=True))
    set_params(folder, LONG)
    for path in (folder / "model", folder / "curves.csv", folder / RECORDS["train"]):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    command = [sys.executable, "-m", "pipeline", "train"]
    env = environment("http://127.0.0.1:1", root / "home")
    with (
        (root / "log").open("wb") as log,
        subprocess.Popen(command, cwd=folder, env=env, stdout=log, stderr=log) as child,
    ):
        give_up = time.monotonic() + 120
        while not list(folder.glob(".checkpoints/*/checkpoint-*/trainer_state.json")):
            assert child.poll() is None, (root / "log").read_text()
            assert time.monotonic() < give_up
            time.sleep(0.005)
        os.kill(child.pid, signal.SIGKILL)
    assert child.returncode == -signal.SIGKILL
    return folder


@pytest.fixture
def cut_off(killed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(killed, tmp_path / "cut_off", symlinks=True))


def test_train_that_was_killed_leaves_no_half_written_record(killed: Path) -> None:
    assert not (killed / RECORDS["train"]).exists()
    assert not (killed / "model").exists()
    assert list(killed.glob(".checkpoints/*/checkpoint-*"))


def test_train_that_was_killed_goes_on_to_the_weights_of_one_that_was_not(
    cut_off: Path, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = watch(monkeypatch)
    # A kill in the middle of a checkpoint leaves a folder without the trainer's state.
    (checkpoints,) = {path.parent for path in cut_off.glob(".checkpoints/*/checkpoint-*")}
    (checkpoints / "checkpoint-39").mkdir()
    (checkpoints / "checkpoint-39" / "model.safetensors").write_bytes(b"half")
    resumed = train.run(cut_off, load(cut_off))
    assert seen[0].triplets < 600
    assert_as_whole(resumed, cut_off, whole)
    assert not list(cut_off.glob(".checkpoints/*/checkpoint-*"))


def assert_as_whole(resumed: Training, folder: Path, whole: Path) -> None:
    wanted = Training.load(whole / RECORDS["train"])
    assert resumed.steps == wanted.steps == 40
    assert resumed.triplets == wanted.triplets == 60
    assert resumed.curve == wanted.curve
    assert digests.digest(folder / "model") == digests.digest(whole / "model")


def test_train_that_got_a_sigterm_stops_at_a_checkpoint_and_goes_on_to_the_same_weights(
    finished: Path, whole: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(finished, tmp_path / "work", symlinks=True))
    set_params(folder, LONG | {"hardware.save_minutes": 60})  # none comes by the clock
    lock = (folder / "dvc.lock").read_bytes()
    env = environment("http://127.0.0.1:1", tmp_path / "home") | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [sys.executable, "-m", "dvc", "repro", "--single-item", "train"],
        cwd=folder,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as dvc:
        assert dvc.stdout is not None
        for line in dvc.stdout:
            if ": loss " in line:  # behind step 5
                break
        for process in psutil.Process(dvc.pid).children(recursive=True):
            process.terminate()
        said = dvc.stdout.read()
    assert dvc.returncode != 0
    stopped = re.search(
        r"^train: stopped by SIGTERM behind step (\d+) of 40, at a checkpoint", said, re.MULTILINE
    )
    assert stopped is not None, said
    assert [path.name for path in folder.glob(".checkpoints/*/checkpoint-*")] == [f"checkpoint-{stopped[1]}"]
    assert (folder / "dvc.lock").read_bytes() == lock
    assert not (folder / RECORDS["train"]).exists()
    assert_as_whole(train.run(folder, load(folder)), folder, whole)


@pytest.mark.parametrize("which", [signal.SIGTERM, signal.SIGINT], ids=lambda one: one.name)
def test_train_that_stops_where_an_evaluation_is_due_makes_it_when_it_goes_on(
    line: Path, whole: Path, monkeypatch: pytest.MonkeyPatch, which: signal.Signals
) -> None:
    set_params(line, LONG)
    before = signal.getsignal(which)
    with monkeypatch.context() as during:
        during.setattr(SaveByTime, "on_step_end", lambda *arguments, **_: at(10, arguments[2], which))
        with pytest.raises(EndedBySignal, match="behind step 10 of 40, at a checkpoint"):
            train.run(line, load(line))
    assert signal.getsignal(which) is before
    assert_as_whole(train.run(line, load(line)), line, whole)


def at(step: int, state: Any, which: signal.Signals) -> None:
    if state.global_step == step:
        os.kill(os.getpid(), which)


def test_train_never_goes_on_from_a_checkpoint_of_other_parameters(
    cut_off: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = watch(monkeypatch)
    set_params(cut_off, {"train.learning_rate": 0.0005, "train.epochs": 2})
    found = train.run(cut_off, load(cut_off))
    assert seen[0].triplets == 120
    assert found.curve[0].step == 0
