"""Step `gate`: judge the candidate. A "no" is a verdict, never an error."""

import math
from pathlib import Path

from pipeline import stages
from pipeline.errors import UnmeasuredCheck
from pipeline.params import Params
from pipeline.params.gate import GateParams
from pipeline.records import Audit, Check, Metrics, Verdict


def run(workspace: Path, params: Params) -> Verdict:
    """Judge what `audit` and `evaluate` recorded, and write the verdict."""
    audit = Audit.load(workspace / stages.RECORDS["audit"])
    metrics = Metrics.load(workspace / stages.RECORDS["evaluate"])
    return stages.seal(workspace, "gate", gate(audit, metrics, params.gate))


def gate(audit: Audit, metrics: Metrics, params: GateParams) -> Verdict:
    """Judge one candidate.

    Args:
        audit: What `audit` found in the splits.
        metrics: Accuracies per model, split and width, as `evaluate` wrote them.
        params: The section `gate` of params.yaml.

    Returns:
        The verdict, with every check that was made, passed or not.

    Raises:
        UnmeasuredCheck: A check names a split or width that `evaluate` never measured.
    """
    checks = {
        "rejected_share": at_most(audit.rejected_share, params.max_rejected_share),
    }
    for dim, floor in sorted(params.floors.items(), reverse=True):
        candidate = _accuracy(metrics, "candidate", params.split, dim)
        checks[f"floor_{dim}"] = at_least(candidate, floor)
        base = _accuracy(metrics, "base", params.split, dim)
        checks[f"not_worse_than_base_{dim}"] = at_least(candidate, base - params.base_margin)
        if "live" in metrics.models:
            live = _accuracy(metrics, "live", params.split, dim)
            checks[f"not_worse_than_live_{dim}"] = at_least(candidate, live - params.live_margin)
    passed = all(check.passed for check in checks.values())
    return Verdict(candidate=metrics.candidate, passed=passed, checks=checks)


# 0.8 - 0.1 is a little more than 0.7. Shares of rows differ by far more than this.
_ROUNDING = 1e-12


def at_least(value: float, wanted: float) -> Check:
    """Check `value >= wanted`; NaN never passes, and a floor of 0 is a floor."""
    passed = value >= wanted - _ROUNDING  # a comparison with NaN is False
    return Check(value=_number(value), rule=">=", wanted=_number(wanted), passed=passed)


def at_most(value: float, wanted: float) -> Check:
    """Check `value <= wanted`; NaN never passes."""
    passed = value <= wanted + _ROUNDING
    return Check(value=_number(value), rule="<=", wanted=_number(wanted), passed=passed)


def _number(value: float) -> float | str:
    return "NaN" if math.isnan(value) else value


def _accuracy(metrics: Metrics, model: str, split: str, dim: int) -> float:
    try:
        return metrics.models[model][split][dim].accuracy
    except KeyError:
        measured = {
            name: {at: list(widths) for at, widths in splits.items()}
            for name, splits in metrics.models.items()
        }
        raise UnmeasuredCheck(
            f"the gate checks the {model} model on {split} at width {dim}, and evaluate measured {measured}; "
            "correct gate.split or gate.floors, or let evaluate measure it"
        ) from None
