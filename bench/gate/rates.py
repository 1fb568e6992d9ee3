"""Single candidates on test splits of their own: an equal one refused, one worse by the margin passed."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.gate.draws import EQUAL, LARGE, PARAMS, SMALL, Truth, draw
from pipeline.judging.verdict import gate
from pipeline.params.gate import GateParams


@dataclass(frozen=True)
class Case:
    """Candidates of one kind beside a live model and an anchor that are equal.

    Attributes:
        candidate: What such a candidate truly loses.
        sizes: Of clusters.
        passing: Whether it is an error that one passes, or that one is refused.
        wanted: How often at most.
    """

    candidate: Truth
    sizes: tuple[int, ...]
    passing: bool
    wanted: float


_MARGINS = PARAMS.live_margins
_AT_MARGIN = Truth(accuracy=_MARGINS.accuracy)
CASES = {
    "equal to live and anchor, refused": Case(Truth(), SMALL, False, 0.05),
    "worse by just the margin in accuracy, passed": Case(_AT_MARGIN, SMALL, True, PARAMS.alpha),
    "equal, large clusters, refused": Case(Truth(), LARGE, False, 0.05),
    "worse by just the margin, large clusters, passed": Case(_AT_MARGIN, LARGE, True, PARAMS.alpha),
}


def rows_asked_for(params: GateParams, sizes: Sequence[int] = SMALL) -> int:
    """Ask the gate, on a pilot test set, for how many rows it wants."""
    pilot = gate(draw(2000, EQUAL, 0, sizes), params)
    return max(one.rows_needed for one in pilot.comparisons.values() if one.margin > 0)


def passes(rows: int, candidate: Truth, sizes: Sequence[int], seed: int) -> bool:
    """Draw a candidate beside a live model and an anchor that are equal, and judge it."""
    return gate(draw(rows, EQUAL | {"candidate": candidate}, seed, sizes), PARAMS).passed


def errors(name: str, rows: int, first: int, count: int) -> int:
    """Return how many of some draws of a case end the wrong way."""
    case = CASES[name]
    seeds = range(first, first + count)
    return sum(passes(rows, case.candidate, case.sizes, seed) == case.passing for seed in seeds)


def passed_at(share: float, rows: int, draws: int) -> int:
    """Return how many candidates pass that are worse by a share of the margin of accuracy."""
    truth = Truth(accuracy=share * _MARGINS.accuracy)
    return sum(passes(rows, truth, SMALL, seed) for seed in range(draws))
