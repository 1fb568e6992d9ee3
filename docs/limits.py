"""Print the tables of docs/gate.md that say which margins so many rows can show: `python -m docs.limits`.

The gate's own code computes them, from the values of params.yaml.
"""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pipeline.judging import power
from pipeline.judging.comparisons import least_hard_rows
from pipeline.judging.power import TestSet, rounded_up
from pipeline.params import load
from pipeline.params.gate import GateParams
from pipeline.records import Metric
from pipeline.stages.evaluate import result_tables

PROJECT = Path(__file__).resolve().parent.parent
ROWS = (200, 400, 1_000, 2_000, 5_000, 12_000)
ACCURACIES = (0.85, 0.95, 0.998)
HARD_MARGINS = (0.05, 0.1, 0.2)
LOOKS = (5, 104)
# Test rows and the base's accuracy, from few and hard to many and easy.
STARTS = ((400, 0.85), (2_000, 0.85), (2_000, 0.95), (12_000, 0.95), (12_000, 0.998))
_HARD_SHARE = 0.1
_MOST_LEAKED = 0.1


def main() -> None:
    """Print the tables, in the order in which they stand there."""
    gate = load(PROJECT).gate
    print(start(gate), margins(gate), hard(gate), sep="\n\n")


def start(gate: GateParams) -> str:
    """Return limits to begin with, by test rows and the accuracy of the base.

    A tenth of the rows is taken to be hard; clusters are as many as rows.
    """
    columns = [_start(gate, rows, accuracy) for rows, accuracy in STARTS]
    return _table(
        ["", *(f"{rows:,} rows, {accuracy}" for rows, accuracy in STARTS)],
        [[f"`{key}`", *(column[key] for column in columns)] for key in columns[0]],
        first=":---",
    )


def margins(gate: GateParams) -> str:
    """Return the margins that an equal candidate keeps, by rows and accuracy.

    Two equal models are taken to differ in as many triplets as each gets wrong: half are lost, half are won.
    """
    head = [f"{metric} at {accuracy}" for metric in ("accuracy", "nDCG@10") for accuracy in ACCURACIES]
    return _table(["test rows", *head], [[f"{rows:,}", *_margins(gate, rows)] for rows in ROWS])


def hard(gate: GateParams) -> str:
    """Return how many hard rows a margin on the hard subset takes, by looks."""
    return _table(
        ["margin of the hard subset", *(f"hard rows, {looks} looks" for looks in LOOKS)],
        [
            [
                f"{margin}",
                *(f"{least_hard_rows(margin, _with(gate, looks, min_hard_rows=None)):,}" for looks in LOOKS),
            ]
            for margin in HARD_MARGINS
        ],
    )


def _start(gate: GateParams, rows: int, accuracy: float) -> dict[str, str]:
    margin, ndcg = (_visible(gate, rows, accuracy, metric) for metric in ("accuracy", "ndcg"))
    leaked = min(_MOST_LEAKED, margin / 2 / (1 - accuracy))
    return {
        "live_margins.ndcg": f"{ndcg:.2g}",
        "live_margins.accuracy": f"{margin:.2g}",
        "live_margins.hard": _hard_margin(gate, round(rows * _HARD_SHARE)),
        "floors": f"{result_tables.accuracy(round(rows * accuracy), rows).high:.3f}",
        "retention": "0.97",
        "max_leak_share": f"{math.floor(1000 * leaked) / 1000:g}",
        "max_rejected_share": "0.01",
        "min_clusters": f"{min(200, rows // 2)}",
    }


def _hard_margin(gate: GateParams, rows: int) -> str:
    """Return the smallest margin, in hundredths, that so many hard rows can keep; without one, 0.2."""
    unset = _with(gate, gate.max_looks, min_hard_rows=None)
    keeps = [margin for margin in range(1, 21) if least_hard_rows(margin / 100, unset) <= rows]
    return f"{min(keeps, default=20) / 100:g}"


def _margins(gate: GateParams, rows: int) -> list[str]:
    metrics: tuple[Metric, ...] = ("accuracy", "ndcg")
    return [f"{_visible(gate, rows, accuracy, metric):.2g}" for metric in metrics for accuracy in ACCURACIES]


def _visible(gate: GateParams, rows: int, accuracy: float, metric: Metric) -> float:
    places = np.arange(rows)
    found = TestSet(rows=places, queries=places, hard=places[:0], clusters=rows)
    return rounded_up(power.visible(found, gate, gate.live_margins, 1 - accuracy)[metric].visible)


def _with(gate: GateParams, looks: int, **changes: object) -> GateParams:
    return gate.model_copy(update={"max_looks": looks, **changes})


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], first: str = "---:") -> str:
    lines = [head, [first, *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    main()
