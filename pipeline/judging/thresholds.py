"""The gate's checks that compare one number with another; NaN never passes, and a floor of 0 is a floor."""

import math
from collections.abc import Sequence

from pipeline.errors import UnmeasuredCheck
from pipeline.params.gate import GateParams
from pipeline.records import Audit, Check, Metrics, ModelName


def threshold_checks(audit: Audit, metrics: Metrics, params: GateParams) -> dict[str, Check]:
    """Make the checks that compare a number with a number.

    Raises:
        UnmeasuredCheck: One of them was never measured.
    """
    return {
        **_audited(audit, params),
        **_floors(metrics, params),
        "retention": _retention(metrics, params),
        **_forgetting(metrics, params.max_forgetting),
        **_sound(metrics),
    }


def proven_missed(audit: Audit, metrics: Metrics, params: GateParams) -> dict[str, Check]:
    """Make those of the checks again that chance cannot explain: counted facts, and floors at their bounds.

    A floor is missed for sure where the whole 95% interval of the accuracy lies below the floor.
    """
    scores = metrics.candidate.splits[params.split].triplets
    floors = {
        f"floor_{dim}": at_least(scores[dim].high, floor) for dim, floor in params.floors.items() if scores
    }
    return {**_audited(audit, params), **floors, **_sound(metrics)}


# 0.8 - 0.1 is a little more than 0.7. Shares of rows differ by far more than this.
_ROUNDING = 1e-12


def at_least(value: float, wanted: float) -> Check:
    """Check `value >= wanted`; NaN never passes, and a floor of 0 is a floor."""
    passed = value >= wanted - _ROUNDING  # a comparison with NaN is False
    return Check(value=recorded(value), rule=">=", wanted=recorded(wanted), passed=passed)


def at_most(value: float, wanted: float) -> Check:
    """Check `value <= wanted`; NaN never passes."""
    passed = value <= wanted + _ROUNDING
    return Check(value=recorded(value), rule="<=", wanted=recorded(wanted), passed=passed)


def above(value: float, wanted: float) -> Check:
    """Check `value > wanted`; NaN never passes."""
    return Check(value=recorded(value), rule=">", wanted=recorded(wanted), passed=value > wanted)


def recorded(value: float) -> float | str:
    """Return a number as a record holds it, which knows no NaN and no infinity."""
    return value if math.isfinite(value) else "NaN"


def _audited(audit: Audit, params: GateParams) -> dict[str, Check]:
    """Check how much the audit rejected, and how many of the split's rows it found near trained ones."""
    if params.split not in audit.near_train:
        raise UnmeasuredCheck(
            f"the gate checks leakage into {params.split}, and audit looked at "
            f"{', '.join(audit.near_train) or 'nothing'}; correct gate.split"
        )
    leaked = audit.near_train[params.split] / audit.splits[params.split].kept
    return {
        "rejected_share": at_most(audit.rejected_share, params.max_rejected_share),
        "leak_share": at_most(leaked, params.max_leak_share),
    }


def _floors(metrics: Metrics, params: GateParams) -> dict[str, Check]:
    """Check triplet accuracy at every width that is promised; pairs have none, as the assumptions say."""
    scores = metrics.candidate.splits[params.split].triplets
    return {
        f"floor_{dim}": at_least(scores[dim].accuracy, floor)
        for dim, floor in sorted(params.floors.items(), reverse=True)
        if scores
    }


def _retention(metrics: Metrics, params: GateParams) -> Check:
    """Check how much of nDCG@10 at the largest width is left at the smallest.

    With `gate.retention_of` it is a share of what that model keeps at the same two widths: how much a sixth
    of the width can keep depends on the texts, and no model may reach a number that was set without them.
    Where that model finds nothing at its largest width there is no such share: the candidate's own counts.
    """
    name = params.retention_of
    if name == "live" and not _shared_widths(metrics, params, "live")[1:]:
        name = "base"  # no live model, or one with none of the narrower widths
    widths = sorted(params.floors) if name is None else _shared_widths(metrics, params, name)
    kept = _kept(metrics, params, "candidate", widths)
    share = 1.0 if name is None else _kept(metrics, params, name, widths)
    return at_least(kept, params.retention * (share if math.isfinite(share) else 1.0))


def _shared_widths(metrics: Metrics, params: GateParams, other: ModelName) -> list[int]:
    """Return the promised widths at which another model was measured too, the smallest first."""
    found = metrics.models.get(other)
    return sorted(set(params.floors) & set(found.splits[params.split].retrieval)) if found else []


def _kept(metrics: Metrics, params: GateParams, model: ModelName, widths: Sequence[int]) -> float:
    scores = metrics.models[model].splits[params.split].retrieval
    whole, least = scores[widths[-1]].ndcg10, scores[widths[0]].ndcg10
    return least / whole if whole > 0 else math.nan


def _forgetting(metrics: Metrics, max_forgetting: float) -> dict[str, Check]:
    """Check what the candidate lost of what its base knew outside of the domain."""
    checks = {}
    for probe in metrics.probe_measures:
        base, candidate = (_probe(metrics, model, probe) for model in ("base", "candidate"))
        checks[f"forgetting_{probe}"] = at_least(candidate, base - max_forgetting)
    return checks


def _probe(metrics: Metrics, model: ModelName, probe: str) -> float:
    try:
        return metrics.models[model].probes[probe]
    except KeyError:
        raise UnmeasuredCheck(
            f"the gate checks what was forgotten of the probe {probe}, and evaluate did not measure the "
            f"{model} model on it; run `dvc repro evaluate`"
        ) from None


def _sound(metrics: Metrics) -> dict[str, Check]:
    """Check what a service relies on without asking."""
    return {
        name: Check(value=holds, rule="==", wanted=True, passed=holds)
        for name, holds in metrics.soundness.model_dump().items()
    }
