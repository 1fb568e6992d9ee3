"""The gate's checks that compare one number with another; NaN never passes, and a floor of 0 is a floor."""

import math

from pipeline.errors import UnmeasuredCheck
from pipeline.params.gate import GateParams
from pipeline.records import Audit, Check, Metrics


def plain(audit: Audit, metrics: Metrics, params: GateParams) -> dict[str, Check]:
    """Make the checks that compare a number with a number.

    Raises:
        UnmeasuredCheck: One of them was never measured.
    """
    if params.split not in audit.splits or params.split not in audit.near_train:
        raise UnmeasuredCheck(
            f"the gate checks leakage into {params.split}, and audit looked at "
            f"{', '.join(audit.near_train) or 'nothing'}; correct gate.split"
        )
    kept = audit.splits[params.split].kept
    leaked = audit.near_train[params.split] / kept if kept else math.nan
    checks = {
        "rejected_share": at_most(audit.rejected_share, params.max_rejected_share),
        "leak_share": at_most(leaked, params.max_leak_share),
    }
    for dim, floor in sorted(params.floors.items(), reverse=True):
        checks[f"floor_{dim}"] = at_least(_accuracy(metrics, params.split, dim), floor)
    largest, smallest = max(params.floors), min(params.floors)
    whole, least = (_ndcg(metrics, params.split, dim) for dim in (largest, smallest))
    checks["retention"] = at_least(least / whole if whole > 0 else math.nan, params.retention)
    for probe in metrics.probe_kinds:
        base, candidate = (_probe(metrics, model, probe) for model in ("base", "candidate"))
        checks[f"forgetting_{probe}"] = at_least(candidate, base - params.max_forgetting)
    for name, sound in metrics.soundness.model_dump().items():
        checks[name] = Check(value=sound, rule="==", wanted=True, passed=sound is True)
    return checks


# 0.8 - 0.1 is a little more than 0.7. Shares of rows differ by far more than this.
_ROUNDING = 1e-12


def at_least(value: float, wanted: float) -> Check:
    """Check `value >= wanted`; NaN never passes, and a floor of 0 is a floor."""
    passed = value >= wanted - _ROUNDING  # a comparison with NaN is False
    return Check(value=number(value), rule=">=", wanted=number(wanted), passed=passed)


def at_most(value: float, wanted: float | None) -> Check:
    """Check `value <= wanted`; NaN never passes."""
    limit = math.nan if wanted is None else wanted
    passed = value <= limit + _ROUNDING
    return Check(value=number(value), rule="<=", wanted=number(limit), passed=passed)


def number(value: float) -> float | str:
    """Give a number as a record holds it."""
    return value if math.isfinite(value) else "NaN"


def _accuracy(metrics: Metrics, split: str, dim: int) -> float:
    try:
        return metrics.models["candidate"][split][dim].accuracy
    except KeyError:
        raise _unmeasured(f"accuracy on {split} at width {dim}", metrics) from None


def _ndcg(metrics: Metrics, split: str, dim: int) -> float:
    try:
        return metrics.retrieval["candidate"][f"own_{split}"][dim].ndcg10
    except KeyError:
        raise _unmeasured(f"nDCG@10 on {split} at width {dim}", metrics) from None


def _probe(metrics: Metrics, model: str, probe: str) -> float:
    try:
        return metrics.probes[model][probe]
    except KeyError:
        raise UnmeasuredCheck(
            f"the gate checks what was forgotten of the probe {probe}, and evaluate did not measure the "
            f"{model} model on it; run `dvc repro evaluate`"
        ) from None


def _unmeasured(what: str, metrics: Metrics) -> UnmeasuredCheck:
    measured = {split: list(widths) for split, widths in metrics.models["candidate"].items()}
    return UnmeasuredCheck(
        f"the gate checks the candidate's {what}, and evaluate measured {measured}; "
        "correct gate.split or gate.floors, or let evaluate measure it"
    )
