"""Which check of a verdict decided."""

import math
from collections.abc import Callable

from pipeline.records import Comparison, Outcome, Verdict

# What a check is called that asks what the rows can show of a comparison: its name, and this.
VISIBLE = "_visible"
# What makes every other figure worthless, first.
GRAVEST = ("not_finite", "weights_finite", "unit_norm", "safetensors_only", "leak_share", "rejected_share")


def deciding(verdict: Verdict) -> str | None:
    """Return the name of the check that decided; None where a verdict has no check that could.

    Of several it is the one that leaves least to hope for: a broken model before everything, rows that were
    trained on before a loss on them, what is proven before what is open, and of these what misses by most.
    Of a candidate that passed it is the comparison that came closest to its limit.
    """
    if verdict.passed:
        judged = {name: one for name, one in verdict.comparisons.items() if name in verdict.checks}
        rivals = {name: one for name, one in judged.items() if not name.startswith("base_")} or judged
        return min(rivals, key=lambda name: _room(rivals[name]), default=None)
    failed = verdict.failures()
    ranks: dict[Outcome, Callable[[str], float]] = {
        "test_spent": lambda name: _among(name, "look", "looks_known"),
        "not_comparable": lambda name: (
            -float(failed[name].value) if name.endswith("_clusters") else -math.inf
        ),
        "underpowered": lambda name: _missing(verdict, name),
        "failed": lambda name: _gravity(verdict, name),
        "passed": lambda name: 0.0,
    }
    return max(failed, key=ranks[verdict.outcome], default=None)


def _among(name: str, *wanted: str) -> float:
    return float(name in wanted)


def _room(one: Comparison) -> float:
    """Return how far the lower bound lies above what is allowed, in margins."""
    return (one.low + one.margin) / max(abs(one.margin), 1e-9)


def _missing(verdict: Verdict, name: str) -> float:
    """Return how many times its rows a comparison would need; no number where rows decide nothing."""
    one = verdict.comparisons.get(name.removesuffix(VISIBLE)) if name.endswith(VISIBLE) else None
    return -math.inf if one is None else one.rows_needed / max(1, one.rows)


def _gravity(verdict: Verdict, name: str) -> float:
    """Rank a failed check: broken models and leaks, then proven losses by size, limits, and what is open."""
    if name in GRAVEST:
        return 300.0 - GRAVEST.index(name)
    one = verdict.comparisons.get(name)
    if one is not None:
        return 100.0 + _lost(one) if proven_worse(one) else -100.0 + _lost(one)
    return -200.0 if name.endswith(VISIBLE) else 0.0


def _lost(one: Comparison) -> float:
    """Return by how many margins a loss is too large, up to 99; where no margin is given, in hundredths."""
    return min(99.0, (-one.margin - one.difference) / max(abs(one.margin), 0.01))


def proven_worse(one: Comparison) -> bool:
    """Say whether all that the rows allow lies below what is wanted."""
    return one.high < -one.margin
