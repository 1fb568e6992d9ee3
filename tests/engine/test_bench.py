"""The benches run from end to end on something tiny; how fast is measured elsewhere."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from bench import engine, gpu, stock
from bench.__main__ import compare, table
from bench.accuracy import accuracies, equivalence
from tests.support import tiny
from tests.support.workspaces import PROJECT

# transformers and torch warn about the stock recipe's defaults on a CPU; it is measured as it is.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., list[Any]]:
    """Run a bench in this process and give the JSON lines that it printed."""

    def call(main: Callable[[], Any], *flags: str, code: int | None = None) -> list[Any]:
        monkeypatch.setattr(sys, "argv", ["bench", *flags])
        assert main() == code
        return [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith('{"')]

    return call


@pytest.fixture(scope="module")
def flags(encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("bench")
    tiny.load(encoder).save_pretrained(str(folder / "base"), create_model_card=False)
    given = ["--base", str(folder / "base")]
    for start, split in ((0, "train"), (40, "dev"), (80, "test")):
        texts = [tiny.text([i % 40, (i // 40 + 7 * i) % 40, i % 7]) for i in range(start, start + 120)]
        columns = {"query": texts[:32], "positive": texts[32:64], "negative": texts[64:96]}
        pl.DataFrame(columns).write_parquet(folder / f"{split}.parquet")
        given += [f"--{split}", str(folder / f"{split}.parquet")]
    return [*given, "--batch-size", "8", "--eval-steps", "2"]


def test_bench_of_both_sides_prints_the_same_figures(
    flags: list[str], tmp_path: Path, run: Callable[..., list[Any]]
) -> None:
    found: list[dict[str, Any]] = []
    kept = [tmp_path / "stock.parquet", tmp_path / "engine.parquet"]
    for side, path in zip((stock, engine), kept, strict=True):
        more = ["--dims", "16", "4", "--out", str(tmp_path), "--outcomes", str(path)]
        found.append(run(side.main, *flags, *more)[-1])
    theirs, ours = found
    assert set(theirs) <= set(ours)
    assert set(theirs["seconds"]) == set(ours["seconds"])
    assert theirs["base"] == ours["base"]
    assert set(theirs["test"]) == set(ours["test"])
    assert theirs["torch_threads"] == ours["torch_threads"] == 1
    outcomes = [pl.read_parquet(path) for path in kept]
    assert outcomes[0].select("row", "dim").equals(outcomes[1].select("row", "dim"))
    assert len(outcomes[0]) == 2 * 32


def made(speed: float, memory: int) -> dict[str, Any]:
    seconds = {"base_eval": 1 / speed, "train_loop": 8 / speed, "test_eval": 1 / speed}
    return {"train_triplets_per_second": speed, "peak_memory_bytes": memory, "seconds": seconds}


def test_bench_compares_medians_and_says_what_misses() -> None:
    runs = {
        "stock": [made(1, 100), made(1, 100), made(9, 100)],
        "tuned": [made(2, 100)] * 3,
        "engine": [made(3, 200)] * 3,
    }
    wanted = {"training": 3.0, "scoring": 4.0, "whole_run": 2.0}
    figures = compare(runs, made(2, 90), wanted)
    assert figures["training_vs_stock"] == {"value": 3.0, "wanted": 3.0, "ok": True}
    assert figures["training_vs_tuned"]["value"] == 1.5
    assert figures["scoring_vs_stock"] == {"value": 3.0, "wanted": 4.0, "ok": False}
    assert figures["lean_memory_vs_stock"] == {"value": 0.9, "wanted": 1.0, "ok": True}
    text = table(runs, made(2, 90), figures, "a machine, 2 threads", "--hashed-sampler")
    assert "| training, s per triplet | 1 | 0.5 | 0.333 | 3.0 | 1.5 |" in text


def test_bench_gpu_runs_small_on_any_machine(run: Callable[..., list[Any]]) -> None:
    small = ["--layers", "1", "--hidden", "64", "--vocabulary", "500", "--dims", "64", "16", "--rows", "16"]
    small += ["--batch-size", "8", "--dev-rows", "8", "--threads", "1"]
    small += ["--tuned-steps", "2", "--tuned-tokens", "512"]
    ours, tuned, stock, last = run(gpu.main, *small, "--want-training", "0", code=1)
    assert ours["engine"]["encoder_parameters"] > 0
    assert ours["engine"]["evaluations"] == 2
    for side in (tuned["tuned"], stock["stock"]):
        assert side["training_seconds"] == pytest.approx(2 * side["seconds_per_step"], abs=0.01)
        assert side["evaluation_seconds"] > 0
    assert not last["figures"]["training_seconds"]["ok"]
    assert last["figures"]["step_vs_tuned"]["value"] > 0
    assert last["machine"]


@pytest.mark.parametrize(
    ("differences", "equal"),
    [
        ([0.001, -0.001, 0.002, 0.0, -0.002, 0.001, 0.0, -0.001], True),
        ([0.02, -0.02, 0.03, 0.0, -0.02, 0.02, 0.0, -0.02], False),  # too scattered to say
        ([0.01] * 8, False),
        ([0.0] * 8, True),
        ([-0.006, -0.005, -0.007, -0.006, -0.005, -0.006, -0.007, -0.006], False),
    ],
)
def test_bench_accuracy_calls_equal_only_what_lies_within_the_margin(
    differences: list[float], equal: bool
) -> None:
    assert (equivalence(differences, 0.005) < 0.05) == equal


def test_bench_accuracy_reads_outcomes_per_dimension(tmp_path: Path) -> None:
    columns = {"dim": [8, 8, 4, 4], "positive": [0.9, 0.5, 0.1, 0.2], "negative": [0.1, 0.5, 0.2, 0.1]}
    pl.DataFrame(columns).write_parquet(tmp_path / "kept.parquet")
    assert accuracies(tmp_path / "kept.parquet") == {8: 0.5, 4: 0.5}


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_bench_of_make_runs_modules_that_are_there() -> None:
    """They were run as scripts once, which cannot import their own package."""
    run = subprocess.run(["make", "-n", "bench"], cwd=PROJECT, capture_output=True, text=True, check=True)
    (line,) = [line for line in run.stdout.splitlines() if "for name in" in line]
    names = line.partition("for name in ")[2].partition(";")[0].split()
    assert names == ["bench", "bench.audit"]
    assert "python -m $name" in line
    for name in names:
        asked = [sys.executable, "-m", name, "--help"]
        told = subprocess.run(asked, cwd=PROJECT, capture_output=True, text=True, check=False)
        assert told.returncode == 0, told.stderr
