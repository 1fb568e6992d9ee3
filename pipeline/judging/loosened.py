"""What makes a verdict easier to pass than the one that let the last release through, as sentences.

Whoever is refused can widen a margin, and whoever may widen it need not say so. So the gate compares its own
values and rows with those of the last release; a person approves what is looser, and the card names it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pipeline.judging import spending
from pipeline.judging.thresholds import at_most
from pipeline.params.gate import GateParams
from pipeline.records import Check

Looser = Literal["higher", "lower", "other"]

# Which way each value of `gate` is looser; of those that are "other" nobody can say, so that each change is
# named. `max_looks` counts by the level that comes of it, and where it lets a spent split judge on;
# `infeasible` lets nothing through.
LOOSER: Mapping[str, Looser] = {
    "split": "other",
    "alpha": "higher",
    "resamples": "other",
    "seed": "other",
    "cluster": "other",
    "min_clusters": "lower",
    "min_hard_rows": "higher",
    "floors": "lower",
    "base_min_gain": "lower",
    "live_margins": "higher",
    "anchor_margins": "higher",
    "retention": "lower",
    "retention_of": "other",
    "max_forgetting": "higher",
    "max_slice_drop": "higher",
    "max_leak_share": "higher",
    "max_rejected_share": "higher",
    "max_rows_left": "higher",
    "reembed_min_gain": "lower",
}


@dataclass(frozen=True)
class LastReleased:
    """How the last released candidate was judged, by the log.

    Attributes:
        version: Its version.
        gate: The section `gate` that let it through.
        groups: The groups of test rows that it was judged on.
        hard: Whether the verdict rested on the hard subset, too.
    """

    version: str
    gate: Mapping[str, Any]
    groups: frozenset[str]
    hard: bool


@dataclass(frozen=True)
class Now:
    """How the candidate is judged; the fields are those of `LastReleased`, and its look."""

    params: GateParams
    groups: frozenset[str]
    hard: bool
    look: int


def sentences(last: LastReleased | None, now: Now) -> dict[str, str]:
    """Say what is looser than it was for the last released candidate; nothing where none is known."""
    if last is None:
        return {}
    since = f"when {last.version} was judged"
    said = {}
    before, values = _flat(last.gate), _flat(now.params.model_dump(mode="json"))
    for key in sorted(before.keys() & values.keys()):
        if _is_looser(LOOSER.get(key.partition(".")[0]), before[key], values[key]):
            said[key] = f"gate.{key} is {_shown(values[key])}, and was {_shown(before[key])} {since}."
    for key in sorted(before.keys() - values.keys()):
        if key.startswith("floors."):
            said[key] = f"gate.{key} is gone, and was {_shown(before[key])} {since}."
    said |= _looks(last, now, since)
    if last.hard and not now.hard:
        said["hard"] = f"The hard subset decides nothing; it did {since}."
    if len(now.groups) < len(last.groups):
        said["smaller"] = (
            f"The test split has {len(now.groups):,} groups of rows, and had {len(last.groups):,} {since}."
        )
    return said


def rows_left(last: LastReleased | None, groups: frozenset[str], max_share: float) -> dict[str, Check]:
    """Check which share of the rows that judged the last released candidate is no longer in the split."""
    if last is None or not last.groups:
        return {}
    return {"rows_left": at_most(len(last.groups - groups) / len(last.groups), max_share)}


def _looks(last: LastReleased, now: Now, since: str) -> dict[str, str]:
    """Say where `max_looks` gives each look more of the error rate, or a spent split more looks."""
    allowed, alpha = last.gate.get("max_looks"), last.gate.get("alpha")
    if allowed is None or alpha is None:
        return {}
    params = now.params
    if allowed < now.look <= params.max_looks:
        return {
            "max_looks": f"gate.max_looks is {params.max_looks}, and was {allowed} {since}: these test rows "
            f"were spent, and this is look {now.look}."
        }
    level, before = spending.level(params.alpha, params.max_looks), spending.level(alpha, allowed)
    if params.max_looks != allowed and level > before:
        return {
            "max_looks": f"gate.max_looks is {params.max_looks}, and was {allowed} {since}: each look may "
            f"err with {level:.4g} instead of {before:.4g}."
        }
    return {}


def _is_looser(way: Looser | None, before: Any, now: Any) -> bool:
    if way is None or before == now:
        return False
    if way == "other" or before is None or now is None:
        return True
    return bool(now > before if way == "higher" else now < before)


def _flat(values: Mapping[str, Any]) -> dict[str, Any]:
    """Name each value by its dotted key; those of two levels are in one."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat |= {f"{key}.{inner}": one for inner, one in value.items()}
        else:
            flat[key] = value
    return flat


def _shown(value: Any) -> str:
    return "null" if value is None else str(value)
