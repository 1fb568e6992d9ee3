"""Verdicts whose checks and comparisons a test chooses."""

from typing import Any

from pipeline.records import Comparison, Verdict
from tests.support import sealed

COMPARED: dict[str, Any] = {"alpha": 0.01, "rows": 400, "clusters": 390, "left_out": 0, "visible": 0.04}


def compared(difference: float, low: float, high: float, margin: float, rows_needed: int = 0) -> Comparison:
    bounds: dict[str, Any] = {"difference": difference, "low": low, "high": high}
    return Comparison(**bounds, margin=margin, rows_needed=rows_needed, **COMPARED)


def refused(outcome: str, comparisons: dict[str, Comparison], **checks: tuple[Any, str, Any]) -> Verdict:
    """Give a verdict with checks that all failed."""
    failed = {
        name: {"value": value, "rule": rule, "wanted": wanted, "passed": False}
        for name, (value, rule, wanted) in checks.items()
    }
    return sealed.verdict("c" * 64, passed=False, outcome=outcome, checks=failed, comparisons=comparisons)
