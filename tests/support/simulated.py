"""What tests of the gate share: the parameters with which a few thousand simulated rows can be judged."""

from dataclasses import replace
from typing import Any

from bench.gate.draws import PARAMS
from pipeline.judging.verdict import Evidence
from pipeline.params.gate import GateParams, Margins
from pipeline.records import Metrics, ModelName, Verdict

ROWS = 8000
# Wider than those of params.yaml, so that so few rows can show them.
MARGINS = {
    "live_margins": Margins(ndcg=0.02, hard=0.05, accuracy=0.008),
    "anchor_margins": Margins(ndcg=0.03, hard=0.1, accuracy=0.012),
    "min_hard_rows": 100_000,
    "max_looks": 5,
}


def params(**changes: Any) -> GateParams:
    return PARAMS.model_copy(update=MARGINS | changes)


def metrics(case: Evidence, **changes: Any) -> Evidence:
    """Give a case with other metrics."""
    return replace(case, metrics=case.metrics.model_copy(update=changes))


def scoring(found: Metrics, changes: dict[ModelName, dict[str, Any]]) -> dict[ModelName, Any]:
    """Give the models of some metrics, with other scores."""
    return {name: one.model_copy(update=changes.get(name, {})) for name, one in found.models.items()}


def failed(verdict: Verdict) -> set[str]:
    return set(verdict.failures())
