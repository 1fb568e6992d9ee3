"""How often the gate is wrong: simulated candidates through the gate's own code, clusters included.

    python -m bench.gate                     # single candidates; --draws for tighter bounds
    python -m bench.gate --picture docs/gate.svg
    python -m bench.gate --chain             # two years of weekly candidates on one test split
    python -m bench.gate --chain --picture docs/chain.svg

Single candidates are drawn on test sets of their own, as large as the gate asks for. The chain has one test
split of 11,982 rows that grows by 1% a month, and 104 candidates at it. Margins are those of params.yaml.
Each rate has its upper 99% bound (Clopper and Pearson 1934). What was simulated is kept in `.bench/`, so that
a bench that was stopped goes on; other code or values simulate anew.

Ends with one line of JSON, and with exit code 1 if a rate misses what is wanted.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from bench.gate import chain, pictures, rates
from bench.gate.draws import LARGE, PARAMS, PROJECT, SMALL
from bench.gate.kept import Job, run
from bench.gate.table import Table
from pipeline.device.hardware import device_name, granted_threads

_AT_A_TIME = 25
_METRICS = {"accuracy": "in accuracy", "ndcg": "in nDCG@10", "hard": "on hard rows"}
# By how many of live's margins a candidate is worse than live, and how that spreads.
_DRIFTS = ((0.2, 0.0), (1 / 3, 0.0), (0.4, 0.0), (0.0, 0.25))


def main() -> int:
    """Simulate, print the table and the figures."""
    p = argparse.ArgumentParser(
        "python -m bench.gate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument("--chain", action="store_true", help="weekly candidates on one test split")
    p.add_argument("--draws", type=int, help="of each case (250), or chains (2000)")
    p.add_argument("--processes", type=int, default=granted_threads())
    p.add_argument("--kept", type=Path, default=PROJECT / ".bench" / "gate.jsonl")
    p.add_argument("--picture", type=Path, help="draw what was found here, as SVG")
    a = p.parse_args()
    # Processes of one thread: the draws are many and small.
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS"), "1")
    with ProcessPoolExecutor(a.processes, get_context("spawn")) as pool:
        simulate = _chain if a.chain else _rates
        draws = a.draws if a.draws is not None else (2000 if a.chain else 250)
        table = simulate(pool, a.kept, draws, a.picture)
    import torch

    print(json.dumps({"figures": table.figures, "machine": device_name(torch.device("cpu"))}))
    return 0 if all(figure["ok"] for figure in table.figures.values()) else 1


def _rates(pool: Executor, kept: Path, draws: int, picture: Path | None) -> Table:
    """Judge single candidates."""
    asked: dict[tuple[int, ...], int] = {
        sizes: rates.rows_asked_for(PARAMS, sizes) for sizes in (SMALL, LARGE)
    }
    table = Table()
    for name, case in rates.CASES.items():
        rows = asked[case.sizes]
        jobs = [
            Job(rates.errors, (name, rows, first, min(_AT_A_TIME, draws + 1 - first)))
            for first in range(1, draws + 1, _AT_A_TIME)
        ]
        table.rate(name, rows, sum(run(pool, jobs, kept)), draws, case.wanted)
    if picture:
        pictures.rates(pool, kept, asked[SMALL], max(10, draws // 4), picture)
    return table


def _chain(pool: Executor, kept: Path, draws: int, picture: Path | None) -> Table:
    """Judge weekly candidates on one test split."""
    table, alpha = Table(), PARAMS.alpha

    def every(what: Callable[..., list[Any]], total: int, at_a_time: int, *before: Any) -> list[Any]:
        """Run a function of seeds over all of them."""
        jobs = [
            Job(what, (*before, list(range(first, min(first + at_a_time, total)))))
            for first in range(0, total, at_a_time)
        ]
        return [one for found in run(pool, jobs, kept) for one in found]

    first = every(chain.equal_first, 200, _AT_A_TIME)
    refused = len(first) - first.count("passed")
    table.rate("equal to live, first week, refused", chain.START, refused, len(first), 0.05)
    weekly = every(chain.equal_weeks, 3, 1)
    refused = len(weekly) - weekly.count("passed")
    table.rate("equal to live, all weeks of 3 chains, refused", chain.START, refused, len(weekly), 0.05)
    table.count("the same, refused because looks were spent", weekly.count("test_spent"), len(weekly), 0)
    for metric, where in _METRICS.items():
        passed = every(chain.twice_worse, 5000, 200, metric)
        name = f"worse by twice the margin {where}, passed"
        table.rate(name, chain.START, passed.count(True), len(passed), 0.001)
    passing = every(chain.passing_weeks, draws, 40)
    for name, weeks, wanted in (("the first ten", 10, alpha), ("104", chain.WEEKS, 2 * alpha)):
        hits = sum(any(week < weeks for week in one) for one in passing)
        table.rate(f"worse by just the margin, any of {name} passed", chain.START, hits, len(passing), wanted)
    drifts, beyond = {}, []
    for step, spread in _DRIFTS:
        drifts[step, spread] = every(chain.drift, 10 if spread else max(25, draws // 40), 25, step, spread)
        worst = [max(one) for one in drifts[step, spread]]
        how = f"{step:.2f} margins worse than live" + (f", give or take {spread}" if spread else "")
        table.drift(f"{len(worst)} chains, each candidate {how}", max(worst))
        beyond += [one >= 1 for one in worst]
    table.rate(
        "all of these, live beyond the anchor's margin", chain.START, sum(beyond), len(beyond), 2 * alpha
    )
    if picture:
        pictures.chain(passing, drifts, alpha, picture)
    return table


if __name__ == "__main__":
    sys.exit(main())
