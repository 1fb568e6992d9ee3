"""The engine on a real GPU: parity with stock, memory that is short, compiled layers, a resumed run."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from sentence_transformers import SentenceTransformer

from bench.gpu import load, texts, write
from pipeline.embedding.encode import encode
from pipeline.engine.fit import fit
from pipeline.engine.recipe import Hardware, Recipe, TrainingRun
from pipeline.engine.trainer import EngineTrainer
from tests.support import tiny

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here"),
    pytest.mark.filterwarnings("ignore"),
]

RECIPE = Recipe(
    dims=(16, 8),
    batch_size=64,
    mini_batch_size=16,
    eval_batch_size=16,
    learning_rate=1e-3,
    eval_steps=2,
    max_steps=6,
    bf16=False,
)


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An encoder without dropout."""
    return tiny.save_encoder(tmp_path_factory.mktemp("still"))


@pytest.fixture(scope="module")
def noisy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An encoder with dropout."""
    return tiny.save_encoder(tmp_path_factory.mktemp("noisy"), dropout=0.2)


@pytest.fixture(autouse=True)
def whole_card() -> Iterator[None]:
    yield
    torch.cuda.set_per_process_memory_fraction(1.0)
    torch.cuda.empty_cache()


def on_gpu(encoder: Path) -> SentenceTransformer:
    return tiny.load(encoder).to("cuda")


def split(rows: int, start: int = 0) -> dict[str, list[str]]:
    def texts(shift: int) -> list[str]:
        return [
            tiny.text([(i * 7 + shift * k * k + i // 5) % 38 for k in range(1 + i % 17)])
            for i in range(start, start + rows)
        ]

    return {"query": texts(1), "positive": texts(2), "negative": texts(3)}


def run(model: SentenceTransformer, folder: Path, recipe: Recipe = RECIPE, **options: Any) -> TrainingRun:
    given: dict[str, Any] = {"train": split(400), "dev": split(40, 500), "hardware": Hardware()} | options
    return fit(model, recipe=recipe, output_dir=folder, **given)


def weights(model: SentenceTransformer) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def test_gpu_trains_as_stock_does(still: Path, tmp_path: Path) -> None:
    ended, curves = [], []
    for engine in ("stock", "katman"):
        model = on_gpu(still)
        trained = run(model, tmp_path / engine, replace(RECIPE, engine=engine))
        ended.append(weights(model))
        curves.append([(row.step, row.validation_loss) for row in trained.curve])
    for (step, theirs), (same, ours) in zip(*curves, strict=True):
        assert step == same
        assert ours == pytest.approx(theirs, rel=1e-3)
    torch.testing.assert_close(ended[1], ended[0], rtol=0, atol=5e-3)


def test_gpu_repeats_the_masks_of_the_first_pass(noisy: Path, tmp_path: Path) -> None:
    ended = []
    for bytes_kept in (1 << 30, 0):
        model = on_gpu(noisy)
        run(model, tmp_path / str(bytes_kept), hardware=Hardware(memory_bytes=bytes_kept))
        ended.append(weights(model))
    torch.testing.assert_close(ended[1], ended[0], rtol=0, atol=5e-3)


@pytest.mark.parametrize("bf16", [False, True])
def test_gpu_compiled_layers_train_as_eager_ones_do(still: Path, tmp_path: Path, bf16: bool) -> None:
    losses = []
    for compiled in (False, True):
        trained = run(
            on_gpu(still),
            tmp_path / str(compiled),
            replace(RECIPE, bf16=bf16),
            hardware=Hardware(compile=compiled),
        )
        assert trained.compiled == compiled
        losses.append([row.validation_loss for row in trained.curve])
    assert losses[1] == pytest.approx(losses[0], rel=0.03 if bf16 else 1e-3)


def large(folder: Path) -> SentenceTransformer:
    """A model whose graphs are much larger than what CUDA's libraries take for themselves."""
    torch.manual_seed(0)
    write(folder, layers=4, hidden=256, vocabulary=1000)
    return load(folder, 256, "cuda")


def only(more_bytes: int) -> None:
    """Let this process have that much beyond what it has."""
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties("cuda").total_memory
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + more_bytes) / total)


def test_gpu_lives_through_a_lack_of_memory(tmp_path: Path) -> None:
    train, dev = texts(2048, 1000, seed=0), texts(64, 1000, seed=1)
    recipe = replace(RECIPE, dims=(256, 64), batch_size=512, max_steps=3)
    run(large(tmp_path / "warm"), tmp_path, replace(recipe, max_steps=1), train=train, dev=dev)
    model = large(tmp_path / "short")
    only(700_000_000)
    # More is promised than the process may have, so that the budget is wrong and errors come.
    hardware = Hardware(memory_bytes=1 << 40)
    trained = run(model, tmp_path, recipe, train=train, dev=dev, hardware=hardware)
    assert trained.steps == 3
    assert trained.out_of_memory_errors > 0
    assert 0 < trained.speed.second_forward_share < 1


def test_gpu_encodes_in_halves_where_memory_is_short(tmp_path: Path) -> None:
    model = large(tmp_path)
    many = texts(4096, 1000, seed=0)["query"]
    wanted = encode(model, many, prompt=None, batch_tokens=1024).cpu()
    only(200_000_000)
    found = encode(model, many, prompt=None, batch_tokens=1 << 18).cpu()
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-5)


def test_gpu_resumes_to_the_same_weights(
    noisy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = on_gpu(noisy)
    hardware = Hardware(save_minutes=0)
    wanted = run(whole, tmp_path / "whole", hardware=hardware)
    step = EngineTrainer.training_step

    def killed(trainer: EngineTrainer, *args: Any, **kwargs: Any) -> Any:
        if trainer.state.global_step == 3:
            raise KeyboardInterrupt
        return step(trainer, *args, **kwargs)

    monkeypatch.setattr(EngineTrainer, "training_step", killed)
    with pytest.raises(KeyboardInterrupt):
        run(on_gpu(noisy), tmp_path / "killed", hardware=hardware)
    monkeypatch.undo()
    model = on_gpu(noisy)
    resumed = run(model, tmp_path / "killed", hardware=hardware, resume=True)
    assert resumed.triplets < wanted.triplets
    # Gradients of embeddings are added up in any order, and AdamW turns rounding near 0 into whole steps.
    torch.testing.assert_close(weights(model), weights(whole), rtol=0, atol=5e-3)
