"""Whether models trained by the engine score as well as those trained by stock: eight seeds of each.

    python -m bench.accuracy --base DIR --train A --dev B --test C --dims 384 256 128 64

Both sides train with the same seeds, hence on the same batches; only rounding and dropout masks differ. Per
dimension, two one-sided t-tests over the paired differences of the seeds (Schuirmann 1987,
https://doi.org/10.1007/BF01068419) ask whether the mean difference lies within the margin. The outcome of
every test triplet is kept under `--out`. Ends with one line of JSON, and with exit code 1 on a miss.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from scipy.stats import t as student  # type: ignore[import-untyped]

from bench.__main__ import measure
from pipeline.device.hardware import device_name, granted_threads


def accuracies(path: Path) -> dict[int, float]:
    """Accuracy by dimension, from one run's outcomes."""
    hits = (pl.col("positive") > pl.col("negative")).mean().alias("accuracy")
    table = pl.read_parquet(path).group_by("dim").agg(hits)
    return dict(zip(table["dim"].to_list(), table["accuracy"].to_list(), strict=True))


def equivalence(differences: Sequence[float], margin: float) -> float:
    """The larger p-value of two one-sided t-tests that the mean difference lies beyond the margin.

    Args:
        differences: Engine less stock, one per seed.
        margin: What still counts as equal, in the same unit.
    """
    sample = np.asarray(differences)
    mean, error = float(sample.mean()), float(sample.std(ddof=1) / np.sqrt(len(sample)))
    if error == 0:
        return 0.0 if abs(mean) < margin else 1.0
    below = student.sf((mean + margin) / error, len(sample) - 1)
    above = student.cdf((mean - margin) / error, len(sample) - 1)
    return float(max(below, above))


def main() -> int:
    """Train both sides with every seed, and test."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("base", "train", "dev", "test", "out"):
        p.add_argument(f"--{name}", required=True)
    p.add_argument("--dims", type=int, nargs="+", required=True)
    p.add_argument("--batch-size", type=int, default=256)
    p.add_argument("--epochs", type=float, default=1)
    p.add_argument("--rows", type=int, default=0, help="use only the first N training rows; 0: all")
    p.add_argument("--seeds", type=int, default=8)
    p.add_argument("--margin", type=float, default=0.005, help="0.005 is half a point")
    p.add_argument("--threads", type=int, default=granted_threads())
    p.add_argument("--bf16", action="store_true")
    a = p.parse_args()
    out = Path(a.out)
    out.mkdir(parents=True, exist_ok=True)
    flags = ["--dims", *map(str, a.dims), "--batch-size", str(a.batch_size), "--epochs", str(a.epochs)]
    # Only outcomes are wanted of the test split; scoring it and dev as well would take most of the time.
    few = out / "few.parquet"
    pl.read_parquet(a.dev).head(8).write_parquet(few)
    flags += ["--rows", str(a.rows), "--base", a.base, "--train", a.train]
    flags += ["--dev", str(few), "--test", str(few), "--outcomes-of", a.test]
    flags += ["--bf16"] if a.bf16 else []
    differences: dict[int, list[float]] = {dim: [] for dim in a.dims}
    for seed in range(a.seeds):
        found = {}
        for side in ("stock", "engine"):
            kept = out / f"{side}-{seed}.parquet"
            if not kept.exists():  # a run that was cut short goes on
                more = ["--seed", str(seed), "--outcomes", str(kept), "--out", str(out / "model")]
                measure(f"bench.{side}", [*flags, *more], a.threads)
            found[side] = accuracies(kept)
        for dim in a.dims:
            differences[dim].append(found["engine"][dim] - found["stock"][dim])
        print(f"seed {seed}: {found}", file=sys.stderr, flush=True)
    figures: dict[str, Any] = {}
    for dim, values in differences.items():
        p_value = equivalence(values, a.margin)
        figures[f"p_{dim}d"] = {"value": p_value, "wanted": 0.05, "ok": p_value < 0.05}
        print(f"{dim}: mean difference {np.mean(values):+.4f}, p {p_value:.4f}")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    print(json.dumps({"figures": figures, "machine": f"{device_name(device)}, {a.threads} threads"}))
    return 0 if all(figure["ok"] for figure in figures.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
