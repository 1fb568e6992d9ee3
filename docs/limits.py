"""Print the tables of docs/gate.md that say which margins so many rows can show: `python -m docs.limits`.

The gate's own code computes them, from the values of params.yaml.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pipeline.judging import power
from pipeline.judging.comparisons import least_hard_rows
from pipeline.judging.power import TestSet, rounded_up
from pipeline.params import load
from pipeline.params.gate import GateParams

PROJECT = Path(__file__).resolve().parent.parent
ROWS = (200, 400, 1_000, 2_000, 5_000, 12_000)
ACCURACIES = (0.85, 0.95, 0.998)
HARD_MARGINS = (0.05, 0.1, 0.2)
LOOKS = (5, 104)


def main() -> None:
    """Print both tables."""
    gate = load(PROJECT).gate
    print(margins(gate))
    print()
    print(hard(gate))


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


def _margins(gate: GateParams, rows: int) -> list[str]:
    places = np.arange(rows)
    found = TestSet(rows=places, queries=places, hard=places[:0], clusters=rows)
    visible = [power.visible(found, gate, gate.live_margins, 1 - accuracy) for accuracy in ACCURACIES]
    return [f"{rounded_up(one[metric].visible):.2g}" for metric in ("accuracy", "ndcg") for one in visible]


def _with(gate: GateParams, looks: int, **changes: object) -> GateParams:
    return gate.model_copy(update={"max_looks": looks, **changes})


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---:"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    main()
