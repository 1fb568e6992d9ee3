"""How often candidates were refused, and by what, with intervals that know of seeds.

Ten seeds make ninety judgements, and no ninety witnesses: one odd seed is in eighteen of them. So seeds are
resampled, with random weights (the Bayesian bootstrap), and each judgement weighs as its two seeds together.
One more seed is added, always refused for the upper end and never for the lower, as the gate's own bounds
have one more cluster: where nobody was refused, ten seeds still prove no zero.
"""

import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.aa.damage import DAMAGES, SAID, Damage
from pipeline.records import Part, Verdict
from pipeline.wording import words

_RESAMPLES = 4000
_COMPARISON = re.compile(r"(base|live|anchor)_(ndcg|accuracy|hard)_\d+")
_KINDS = {
    "floor_": "a floor of triplet accuracy",
    "slice_": "a slice",
    "forgetting_": "a probe",
}
OPEN = "rows too few to say (undecided)"


class Judgement(Part):
    """What the gate said of one candidate beside one live model.

    Attributes:
        candidate: Its training.
        live: The training of the other.
        causes: Why it was refused, as words; empty where it passed.
        visible: Of each kind of comparison the difference that the rows could show, at the worst width.
        patterns: Names of known mistakes that were found.
    """

    candidate: str
    live: str
    outcome: str
    sentence: str
    causes: tuple[str, ...]
    visible: dict[str, float]
    patterns: tuple[str, ...]


@dataclass(frozen=True)
class Rate:
    """How often something happened.

    Attributes:
        low: Lower end of a 95% interval over seeds.
        high: Upper end.
        visible: The difference that so many rows could show, where the cause is a comparison.
    """

    damage: Damage
    what: str
    judgements: int
    share: float
    low: float
    high: float
    visible: float | None


def causes(verdict: Verdict) -> tuple[str, ...]:
    """Return the kinds of checks that did not hold, each once."""
    found = [_cause(name) for name in verdict.failures()]
    if verdict.outcome == "underpowered":
        found.append(OPEN)
    return tuple(dict.fromkeys(one for one in found if one is not None))


def visible(verdict: Verdict) -> dict[str, float]:
    """Return what the rows could show, by kind of comparison."""
    found: dict[str, float] = {}
    for name, one in verdict.comparisons.items():
        cause = _cause(name)
        if cause is not None and name in verdict.checks:
            found[cause] = max(found.get(cause, 0.0), one.visible)
    return found


def _cause(name: str) -> str | None:
    if name.endswith("_visible"):
        return None
    compared = _COMPARISON.fullmatch(name)
    if compared:
        return f"{words.METRICS[compared[2]]} against {words.MODELS[compared[1]]}"
    return next((said for start, said in _KINDS.items() if name.startswith(start)), words.of(name))


def rates(judgements: Sequence[Judgement]) -> list[Rate]:
    """Return for each damage how often it was refused, and by which causes, the commonest first."""
    found = []
    for damage in DAMAGES:
        ours = [one for one in judgements if _damage(one.candidate) == damage]
        if not ours:
            continue
        found.append(_rate(damage, "refused", ours, [bool(one.causes) for one in ours]))
        every = dict.fromkeys(cause for one in ours for cause in one.causes)
        named = [_rate(damage, cause, ours, [cause in one.causes for one in ours]) for cause in every]
        found += sorted(named, key=lambda rate: -rate.share)
    return found


def _damage(training: str) -> str:
    return training.rpartition("-")[0]


def _rate(damage: Damage, what: str, judged: Sequence[Judgement], happened: Sequence[bool]) -> Rate:
    low, high = interval(judged, happened)
    shown = [one.visible[what] for one in judged if what in one.visible]
    return Rate(
        damage,
        what,
        len(judged),
        sum(happened) / len(judged),
        low,
        high,
        statistics.median(shown) if shown else None,
    )


def interval(judged: Sequence[Judgement], happened: Sequence[bool]) -> tuple[float, float]:
    """Return a 95% interval of a share, by resampling seeds."""
    names = sorted({name for one in judged for name in (one.candidate, one.live)})
    place = {name: number for number, name in enumerate(names)}
    ours = np.array([place[one.candidate] for one in judged])
    theirs = np.array([place[one.live] for one in judged])
    weights = np.random.default_rng(1).standard_exponential((_RESAMPLES, len(names) + 1))
    pairs = weights[:, ours] * weights[:, theirs]
    added = weights[:, -1] * weights[:, sorted(set(theirs.tolist()))].sum(axis=1)
    whole = pairs.sum(axis=1) + added
    happens: NDArray[np.float64] = (pairs * np.asarray(happened, dtype=np.float64)).sum(axis=1)
    low, high = np.quantile(happens / whole, 0.025), np.quantile((happens + added) / whole, 0.975)
    return float(low), float(high)


def table(found: Sequence[Rate], trainings: Mapping[Damage, int]) -> str:
    """Return the rates as Markdown."""
    lines = [
        "| trained on | seeds | judgements | what | share | 95% interval | rows could show |",
        "|---|---:|---:|---|---:|---|---:|",
    ]
    for rate in found:
        first = rate.what == "refused"
        who = (
            [SAID[rate.damage], str(trainings[rate.damage]), str(rate.judgements)] if first else ["", "", ""]
        )
        what = "**refused**" if first else rate.what
        shown = "" if rate.visible is None else f"{rate.visible:.3f}"
        ends = f"{_percent(rate.low)} to {_percent(rate.high)}"
        lines.append(f"| {' | '.join(who)} | {what} | {_percent(rate.share)} | {ends} | {shown} |")
    return "\n".join(lines)


def _percent(share: float) -> str:
    return words.percent(round(share, 3))  # more digits than seeds can give
