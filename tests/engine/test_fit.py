"""`fit` as a whole: both engines train alike, a killed run resumes, bad input stops with the way out."""

import itertools
import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest
import sentence_transformers
import torch
from datasets import Dataset
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import BoW, Dense

from pipeline.embedding.encode import encode_tokens
from pipeline.engine import checkpoints
from pipeline.engine import fit as fit_module
from pipeline.engine.build import training_arguments
from pipeline.engine.cached_loss import PooledRankingLoss
from pipeline.engine.fit import fit
from pipeline.engine.recipe import Hardware, Recipe, TrainingRun
from pipeline.engine.trainer import EngineTrainer
from pipeline.errors import EndedBySignal, InvalidParams, TrainingFailed
from pipeline.params.train import BatchSampler
from tests.support import tiny

# The trainer warns about each of these once, whatever it is given.
pytestmark = pytest.mark.filterwarnings("ignore:.*lr_scheduler.step.*:UserWarning")

RECIPE = Recipe(
    dims=(16, 8),
    batch_size=8,
    mini_batch_size=4,
    eval_batch_size=8,
    learning_rate=1e-3,
    eval_steps=2,
    max_steps=5,
    warmup=0.2,
    query_prompt="w38 : ",
    document_prompt="w39 : ",
)
HARDWARE = Hardware(threads=1)


def split(rows: int, start: int = 0, negatives: int = 1) -> dict[str, list[str]]:
    def texts(shift: int) -> list[str]:
        return [
            tiny.text([(i + shift * k) % 38 for k in range(1 + i % 9)]) for i in range(start, start + rows)
        ]

    names = ["negative", *(f"negative_{n}" for n in range(2, negatives + 1))]
    return {"query": texts(1), "positive": texts(2)} | {name: texts(3 + n) for n, name in enumerate(names)}


def run(model: SentenceTransformer, folder: Path, recipe: Recipe = RECIPE, **options: Any) -> TrainingRun:
    given: dict[str, Any] = {"train": split(36), "dev": split(20, 40), "hardware": HARDWARE, "resume": False}
    given |= options
    return fit(model, recipe=recipe, output_dir=folder, **given)


def weights(model: SentenceTransformer) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in model.parameters()])


@pytest.mark.parametrize(
    ("negatives", "batch_sampler"), [(1, "no_duplicates"), (2, "no_duplicates"), (1, "batch")]
)
def test_fit_trains_with_katman_as_with_stock(
    encoder: Path, tmp_path: Path, negatives: int, batch_sampler: BatchSampler
) -> None:
    ended, runs = [], []
    for engine in ("stock", "katman"):
        model = tiny.load(encoder)
        # float32 wherever this runs: in bfloat16 the two round differently.
        recipe = replace(
            RECIPE, engine=engine, weights=(1.0, 0.5), bf16=False, batch_sampler=batch_sampler, max_steps=7
        )
        data = {"train": split(36, negatives=negatives), "dev": split(20, 40, negatives)}
        runs.append(run(model, tmp_path / engine, recipe, **data))
        ended.append(weights(model))
    stock, katman = runs
    assert [row.step for row in katman.curve] == [0, 2, 4, 6, 7]
    for theirs, ours in zip(stock.curve, katman.curve, strict=True):
        assert (ours.step, ours.epoch, ours.learning_rate) == (
            theirs.step,
            theirs.epoch,
            theirs.learning_rate,
        )
        assert ours.accuracy == theirs.accuracy
        assert ours.validation_loss == pytest.approx(theirs.validation_loss, rel=1e-4)
        assert (ours.training_loss is None) == (theirs.training_loss is None)
        assert (ours.training_loss or 0) == pytest.approx(theirs.training_loss or 0, rel=1e-4)
    assert katman.curve[0].training_loss is None
    assert set(katman.curve[0].accuracy or {}) == {16, 8}
    # AdamW turns the rounding of gradients near 0 into whole steps, so weights agree less than losses.
    torch.testing.assert_close(ended[1], ended[0], rtol=0, atol=2e-3)
    assert (stock.triplets, stock.tokens) == (katman.triplets, katman.tokens)


def test_fit_reports_its_cost(encoder: Path, tmp_path: Path) -> None:
    plenty = run(tiny.load(encoder), tmp_path / "plenty")
    nothing = run(tiny.load(encoder), tmp_path / "nothing", hardware=Hardware(threads=1, memory_bytes=0))
    assert plenty.steps == 5
    assert plenty.triplets == 36
    assert plenty.speed.second_forward_share == 0
    assert nothing.speed.second_forward_share == pytest.approx(1)
    assert 0 <= plenty.speed.padding_share < 0.6
    assert plenty.repeated_text_share > 0
    assert plenty.memory_budget_bytes is not None
    assert nothing.memory_budget_bytes == 0
    assert plenty.speed.peak_memory_bytes > 2**20
    assert plenty.speed.threads == 1
    assert not plenty.bf16_used or plenty.peak_flops_source
    for utilisation in (plenty.speed.model_flops_utilisation, plenty.speed.hardware_flops_utilisation):
        assert utilisation is not None
        assert 0 < utilisation < 1
    assert 0 < plenty.evaluation_seconds < plenty.speed.seconds
    json.dumps(plenty.training_arguments)
    assert plenty.training_arguments["per_device_train_batch_size"] == 8
    assert plenty.training_arguments["prompts"] == {
        "query": "w38 : ",
        "positive": "w39 : ",
        "negative": "w39 : ",
    }


def test_fit_outlives_a_sigterm_to_the_process_that_loads_its_batches(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever ends a step sends one to every process below it; the trainer must still reach a checkpoint."""
    told: list[int] = []
    others = psutil.Process().children()  # the servers of other tests

    def one_loader(*given: Any) -> Any:
        arguments = training_arguments(*given)
        arguments.dataloader_num_workers = 1  # as on a GPU
        return arguments

    def tell(callback: Any, args: Any, state: Any, *_: Any, **__: Any) -> None:
        for process in set(psutil.Process().children()).difference(others):
            process.terminate()
            told.append(process.pid)
        time.sleep(0.2)  # torch hears of the end of such a process by a signal of its own

    monkeypatch.setattr(fit_module, "training_arguments", one_loader)
    monkeypatch.setattr(checkpoints.StopAtSigterm, "on_step_end", tell)
    assert run(tiny.load(encoder), tmp_path).steps == 5
    assert told


def test_fit_takes_datasets_and_leaves_a_plain_model(encoder: Path, tmp_path: Path) -> None:
    model = tiny.load(encoder)
    model.to(torch.bfloat16)
    run(model, tmp_path, train=Dataset.from_dict(split(36)), dev=Dataset.from_dict(split(20, 40)))
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    assert "forward" not in vars(model)
    assert not list(tmp_path.glob("checkpoint-*"))


def test_fit_in_plain_batches_trains_on_rows_that_share_a_text(encoder: Path, tmp_path: Path) -> None:
    shared = split(36) | {"negative": ["w1"] * 36}
    trained = run(tiny.load(encoder), tmp_path, replace(RECIPE, batch_sampler="batch"), train=shared)
    assert (trained.steps, trained.triplets, trained.rows_left_out) == (5, 36, 0)
    assert trained.training_arguments["batch_sampler"] == "batch_sampler"


@pytest.mark.parametrize(
    ("killed_after", "batch_sampler"), [(2, "no_duplicates"), (5, "no_duplicates"), (7, "batch")]
)
def test_fit_resumes_a_killed_run_to_the_same_result(
    dropout_encoder: Path,
    tmp_path: Path,
    killed_after: int,
    batch_sampler: BatchSampler,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recipe = replace(RECIPE, max_steps=-1, epochs=2.0, eval_steps=3, batch_sampler=batch_sampler)
    # The clock strikes at every second step, wherever logs fall.
    monkeypatch.setattr(checkpoints, "time", SimpleNamespace(monotonic=itertools.count().__next__))
    hardware = Hardware(threads=1, save_minutes=2 / 60)
    whole = tiny.load(dropout_encoder)
    wanted = run(whole, tmp_path / "whole", recipe, hardware=hardware)

    step = EngineTrainer.training_step

    def killed(trainer: EngineTrainer, *args: Any, **kwargs: Any) -> Any:
        if trainer.state.global_step == killed_after:
            raise KeyboardInterrupt
        return step(trainer, *args, **kwargs)

    monkeypatch.setattr(EngineTrainer, "training_step", killed)
    with pytest.raises(KeyboardInterrupt):
        run(tiny.load(dropout_encoder), tmp_path / "killed", recipe, hardware=hardware)
    monkeypatch.undo()
    model = tiny.load(dropout_encoder)
    resumed = run(model, tmp_path / "killed", recipe, resume=True)
    assert torch.equal(weights(model), weights(whole))
    assert resumed.curve == wanted.curve
    assert resumed.steps == wanted.steps == 10
    assert resumed.triplets < wanted.triplets


@pytest.mark.parametrize(
    ("evaluations", "changed"),
    [
        # Of the base; of the last step, at an epoch's end; and in the same one again, as soon as it goes on.
        ([0, 1, 0], {"max_steps": -1, "eval_steps": 5, "epochs": 1.0}),
        ([1, 1], {"max_steps": 4}),  # between two steps; of the last one, within an epoch
        ([1], {"engine": "stock"}),
    ],
)
def test_fit_that_got_a_sigterm_in_an_evaluation_goes_on_to_the_same_result(
    dropout_encoder: Path,
    tmp_path: Path,
    evaluations: list[int],
    changed: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recipe = replace(RECIPE, **changed)
    whole = tiny.load(dropout_encoder)
    wanted = run(whole, tmp_path / "whole", recipe)

    for which in evaluations:  # counted anew in each run
        counted = itertools.count()

        def ended(*args: Any, which: int = which, counted: Any = counted, **kwargs: Any) -> torch.Tensor:
            if next(counted) == which:
                os.kill(os.getpid(), signal.SIGTERM)
            return encode_tokens(*args, **kwargs)

        monkeypatch.setattr("pipeline.engine.evaluator.encode_tokens", ended)
        with pytest.raises(
            EndedBySignal, match=r"^stopped by SIGTERM (behind step . of .,|before the first)"
        ):
            run(tiny.load(dropout_encoder), tmp_path / "ended", recipe, resume=True)
    monkeypatch.undo()
    model = tiny.load(dropout_encoder)
    resumed = run(model, tmp_path / "ended", recipe, resume=True)
    assert torch.equal(weights(model), weights(whole))
    assert resumed.curve == wanted.curve
    assert resumed.steps == wanted.steps


@pytest.mark.parametrize("engine", ["katman", "stock"])
def test_fit_stops_at_a_loss_that_is_not_finite(encoder: Path, tmp_path: Path, engine: Any) -> None:
    model = tiny.load(encoder)
    with torch.no_grad():
        next(model.parameters())[7] = float("nan")
    with pytest.raises(
        TrainingFailed,
        match=r"step 1: the loss is nan.*rows of the batch in the train split: \[\d+, .*checkpoint: none",
    ):
        run(model, tmp_path, replace(RECIPE, engine=engine))


def test_fit_stops_at_a_gradient_that_is_not_finite_and_names_the_checkpoint(
    encoder: Path, tmp_path: Path
) -> None:
    model = tiny.load(encoder)
    steps = []

    def spoil(gradient: torch.Tensor) -> torch.Tensor:
        steps.append(1)
        return gradient * float("inf") if len(steps) > 3 else gradient

    next(model.parameters()).register_hook(spoil)  # type: ignore[no-untyped-call]
    recipe = replace(RECIPE, max_steps=200)
    with pytest.raises(
        TrainingFailed, match=r"the gradient norm is (nan|inf).*last good checkpoint: .*checkpoint-\d+\."
    ):
        run(model, tmp_path, recipe, hardware=Hardware(threads=1, save_minutes=0))


def test_fit_survives_a_lack_of_memory_with_the_same_result(
    dropout_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = tiny.load(dropout_encoder)
    run(wanted, tmp_path / "plenty", hardware=Hardware(threads=1, memory_bytes=1 << 30))
    encode, fitting = PooledRankingLoss.encode, 300_000

    def poor(loss: PooledRankingLoss, block: dict[str, Any]) -> torch.Tensor:
        if loss.budget.spent > fitting and torch.is_grad_enabled():
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate")
        return encode(loss, block)

    monkeypatch.setattr(PooledRankingLoss, "encode", poor)
    model = tiny.load(dropout_encoder)
    survived = run(model, tmp_path / "poor", hardware=Hardware(threads=1, memory_bytes=1 << 30))
    assert survived.out_of_memory_errors > 0
    assert survived.memory_budget_bytes is not None
    assert survived.memory_budget_bytes < 2 * fitting
    assert 0 < survived.speed.second_forward_share < 1
    torch.testing.assert_close(weights(model), weights(wanted), rtol=0, atol=1e-6)


def test_fit_shrinks_blocks_when_the_budget_is_gone_and_gives_up_at_one_sequence(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    allowed, encode, step = 60, PooledRankingLoss.encode, EngineTrainer.training_step
    training: list[int] = []

    def poor(loss: PooledRankingLoss, block: dict[str, Any]) -> torch.Tensor:
        if training and block["input_ids"].numel() > allowed:
            raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")
        return encode(loss, block)

    def watched(trainer: EngineTrainer, *args: Any, **kwargs: Any) -> Any:
        training.append(1)
        return step(trainer, *args, **kwargs)

    monkeypatch.setattr(PooledRankingLoss, "encode", poor)
    monkeypatch.setattr(EngineTrainer, "training_step", watched)
    survived = run(tiny.load(encoder), tmp_path / "poor", hardware=Hardware(threads=1, memory_bytes=0))
    assert survived.out_of_memory_errors > 0
    assert survived.steps == 5
    allowed = 2
    training.clear()
    with pytest.raises(TrainingFailed, match="out of memory with one sequence at a time"):
        run(tiny.load(encoder), tmp_path / "nothing", hardware=Hardware(threads=1, memory_bytes=0))


@pytest.mark.parametrize("said", ["CUDA error: out of memory", "CUDA error: CUBLAS_STATUS_ALLOC_FAILED"])
def test_fit_says_what_lacked_memory_outside_of_a_step(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    def full(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError(said)

    monkeypatch.setattr(torch.optim.AdamW, "step", full)
    with pytest.raises(TrainingFailed, match=rf"out of memory .*{said}.*larger device"):
        run(tiny.load(encoder), tmp_path)


def test_fit_raises_other_errors_as_they_are(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(loss: PooledRankingLoss, block: dict[str, Any]) -> torch.Tensor:
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr(PooledRankingLoss, "encode", broken)
    with pytest.raises(RuntimeError, match="shapes do not match"):
        run(tiny.load(encoder), tmp_path)


def bag_of_words() -> SentenceTransformer:
    bag = BoW(vocab=["a", "b"])
    return SentenceTransformer(modules=[bag, Dense(2, 16)], device="cpu")


REFUSED: list[tuple[Callable[[], dict[str, Any]], str]] = [
    (
        lambda: {"train": split(36) | {"negative": ["w1"] * 36}},
        r"train\.batch_size: 8, .* at most 1 rows .*Set train\.batch_size to 1 or less",
    ),
    (lambda: {"train": split(5)}, r"train\.batch_size: 8, .* at most \d rows"),
    (lambda: {"train": split(1)}, "1 rows, wanted at least 2"),
    (lambda: {"recipe": replace(RECIPE, dims=(32, 16))}, r"train\.dims: 32 is more than the model's 16"),
    (
        lambda: {"train": {"positive": ["a"], "query": ["b"]}},
        r"train split: its columns are \['positive', 'query'\], wanted query, positive",
    ),
    (lambda: {"dev": {"query": ["a"]}}, "dev split: its columns are"),
    (lambda: {"model": bag_of_words()}, r"BoW.*Set train\.engine to stock"),
]


@pytest.mark.parametrize(("change", "message"), REFUSED, ids=[message[:30] for _, message in REFUSED])
def test_fit_refuses_before_training(
    encoder: Path, tmp_path: Path, change: Callable[[], dict[str, Any]], message: str
) -> None:
    given = {"model": tiny.load(encoder), "folder": tmp_path} | change()
    with pytest.raises(InvalidParams, match=message):
        run(**given)


def test_fit_refuses_a_release_that_parity_tests_have_not_seen(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sentence_transformers.__version__ in fit_module.PARITY_TESTED
    monkeypatch.setattr(sentence_transformers, "__version__", "6.2.9")
    with pytest.raises(
        InvalidParams, match=r"6\.2\.0, but 6\.2\.9 is installed\. Set train\.engine to stock"
    ):
        run(tiny.load(encoder), tmp_path)
    assert run(tiny.load(encoder), tmp_path, replace(RECIPE, engine="stock", max_steps=1)).steps == 1
