"""A verdict as a person says it: the outcome, the one check that decided it, by how much, and what to do."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pipeline.records import Comparison, Outcome, Verdict
from pipeline.wording import remedies, words
from pipeline.wording.remedies import Remedy

_SAID: Mapping[Outcome, str] = {
    "passed": "Passed",
    "failed": "Refused",
    "underpowered": "Undecided",
    "not_comparable": "Not comparable",
    "test_spent": "Test rows spent",
}
_VISIBLE = "_visible"
# What makes every other figure worthless, first.
_FIRST = ("not_finite", "weights_finite", "unit_norm", "safetensors_only", "leak_share", "rejected_share")


@dataclass(frozen=True)
class Said:
    """What a verdict says.

    Attributes:
        outcome: In a word or two.
        decided: The check that decided, and by how much.
        remedy: What to do.
    """

    outcome: str
    decided: str
    remedy: Remedy

    def __str__(self) -> str:
        """Return all of it as one paragraph."""
        return f"{self.outcome}: {self.decided}. {self.remedy.do}."


def say(verdict: Verdict) -> Said:
    """Say what a verdict says; a pattern that was found says more than the check that it made fail."""
    name = deciding(verdict)
    remedy = _remedy(verdict, name)
    patterns = " ".join(verdict.patterns.values()).removesuffix(".")
    if patterns and not verdict.passed:
        # It says more than "train a better one", and less than a broken model, a leak, or rows that decide.
        enough = verdict.outcome == "failed" and name not in _FIRST
        remedy = Remedy(patterns if enough else f"{remedy.do}. {patterns}", remedy.section)
    return Said(_SAID[verdict.outcome], _decided(verdict, name), remedy)


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
    one = verdict.comparisons.get(name.removesuffix(_VISIBLE)) if name.endswith(_VISIBLE) else None
    return -math.inf if one is None else one.rows_needed / max(1, one.rows)


def _gravity(verdict: Verdict, name: str) -> float:
    """Rank a failed check: broken models and leaks, then proven losses by size, limits, and what is open."""
    if name in _FIRST:
        return 300.0 - _FIRST.index(name)
    one = verdict.comparisons.get(name)
    if one is not None:
        return 100.0 + _lost(one) if _proven(one) else -100.0 + _lost(one)
    return -200.0 if name.endswith(_VISIBLE) else 0.0


def _lost(one: Comparison) -> float:
    """Return by how many margins a loss is too large, up to 99; where no margin is given, in hundredths."""
    return min(99.0, (-one.margin - one.difference) / max(abs(one.margin), 0.01))


def _proven(one: Comparison) -> bool:
    """Say whether all that the rows allow lies below what is wanted."""
    return one.high < -one.margin


def _decided(verdict: Verdict, name: str | None) -> str:
    if name is None:
        return "no check says why"
    if name.endswith(_VISIBLE):
        return _open(verdict.comparisons[name.removesuffix(_VISIBLE)], name.removesuffix(_VISIBLE))
    if verdict.passed:
        return _passed(verdict, name)
    one, check = verdict.comparisons.get(name), verdict.checks[name]
    if one is not None:
        return _worse(one, name)
    if name == "look":
        looks = f"{words.shown(check.value, 'count')} at these test rows, and gate.max_looks is"
        return f"this is look {looks} {words.shown(check.wanted, 'count')}"
    if name.endswith("_clusters"):
        return (
            f"only {words.found_value(name, check)} {words.of(name)} are left, and "
            f"{words.shown(check.wanted, 'count')} are wanted"
        )
    if name == "looks_known":
        return "the log of the looks at these test rows is lost, so that nobody knows how many they judged"
    return line(verdict, name)


def line(verdict: Verdict, name: str) -> str:
    """Return what a check found and what it wanted."""
    called, found, wanted = row(verdict, name)
    return f"{called}: {found}, wanted {wanted}"


def row(verdict: Verdict, name: str) -> tuple[str, str, str]:
    """Return what a check is called, what it found and what it wanted.

    A check of a comparison is about the lower end of what the rows allow, and shows both ends.
    """
    check, one = verdict.checks[name], _bounded_by(verdict, name)
    if one is None:
        return words.of(name), words.found_value(name, check), words.wanted_value(name, check)
    return words.of(name), words.interval(one), f"lower end {words.wanted_value(name, check)}"


def _bounded_by(verdict: Verdict, name: str) -> Comparison | None:
    """Return the comparison whose lower end a check is about: its own, or nDCG@10's at the largest width."""
    if name == "new_space_gain":
        gains = [key for key in verdict.comparisons if key.startswith("live_ndcg_")]
        name = max(gains, key=lambda key: int(key.rpartition("_")[2]), default=name)
    return verdict.comparisons.get(name)


def _passed(verdict: Verdict, name: str) -> str:
    """Say what a candidate gained on its base, and how close it came to its limits."""
    one, called = verdict.comparisons[name], words.of(name)
    gains = [
        (int(key.rpartition("_")[2]), limit)
        for key, limit in verdict.comparisons.items()
        if key.startswith("base_ndcg_")
    ]
    better = [
        f"better than the base by {words.change(gain)} in {words.METRICS['ndcg']} at {dim:,}"
        for dim, gain in gains
        if gain.low > 0
    ]
    limits = [
        key
        for key, limit in verdict.comparisons.items()
        if limit.margin > 0 and key in verdict.checks and not key.startswith("base_")
    ]
    if not limits:
        first = ["there was no live model to compare with"] if verdict.first_release else []
        return "; ".join([*better, *first]) or f"{called} {_moved(one)}"
    return "; ".join(
        [
            *better,
            f"{_all_of(limits)} a loss that is too large. The closest call is {called}: it {_moved(one)}, "
            f"and at most {words.limit(one.margin)} may be lost",
        ]
    )


def _all_of(limits: Sequence[str]) -> str:
    rivals = dict.fromkeys(name.partition("_")[0] for name in limits)
    others = " and ".join(words.MODELS.get(name, name) for name in rivals)
    if len(limits) == 1:
        return f"the one comparison with {others} rules out"
    return f"all {len(limits)} comparisons with {others} rule out"


def _worse(one: Comparison, name: str) -> str:
    called = words.of(name)
    if one.margin <= 0:
        by = f" by {words.limit(-one.margin)}" if one.margin else ""
        wanted = f"must be proven to rise{by}"
        return f"{called} {_moved(one)}, and {wanted}"
    if _proven(one):
        return f"{called} {_moved(one)}, and at most {words.limit(one.margin)} may be lost"
    return f"{called} {_moved(one)}, and a loss of {words.limit(one.margin)} is not ruled out"


def _open(one: Comparison, name: str) -> str:
    return (
        f"{words.of(name)} {_moved(one)}. {_rows(one)} can show a loss of {one.visible:.4f} or more, "
        f"and {words.limit(one.margin)} is too much already"
    )


def _rows(one: Comparison) -> str:
    return f"{one.rows:,} row{'' if one.rows == 1 else 's'}"


def _moved(one: Comparison) -> str:
    if not one.rows:
        return "has no comparable row"
    if one.proven is None:
        return f"changed by {words.interval(one)}"
    return f"{'rose' if one.proven == 'higher' else 'fell'} by {words.change(one)}"


_WAITS = "A person must approve it first (`katman approve`), unless approve.policy is auto"


def _remedy(verdict: Verdict, name: str | None) -> Remedy:
    """Return what to do; where rows are the remedy, how many."""
    if verdict.passed:
        waits = verdict.needs_human or verdict.training_unknown or verdict.loosened
        do = _WAITS if waits else "It can be released"
        return Remedy(do, "what-must-be-proven")
    if name is None:
        return Remedy("Run `dvc repro`", "what-must-be-proven")
    if name.endswith("_clusters"):
        return Remedy(_hold_out_clusters(verdict, name), remedies.of(name).section)
    compared = name.removesuffix(_VISIBLE)
    known, one = remedies.of(compared), verdict.comparisons.get(compared)
    if one is None:
        return known
    if name.endswith(_VISIBLE):
        other, metric, _ = compared.split("_")
        key = f"gate.{other}_margins.{metric}"
        return Remedy(_hold_out(verdict, one, key), known.section)
    more = rows_to_prove(one)
    if more is None or _proven(one):
        return known
    return Remedy(
        f"{known.do}; if it is as good as it looks, about {words.rows(more)} test rows in place of "
        f"{one.rows:,} would prove it",
        known.section,
    )


def _hold_out(verdict: Verdict, one: Comparison, key: str) -> str:
    """Say how many rows would decide, of all comparisons that these rows leave open, or what to allow."""
    left = [
        verdict.comparisons[name.removesuffix(_VISIBLE)]
        for name in verdict.failures()
        if name.endswith(_VISIBLE)
    ]
    needed = max((other.rows_needed for other in left), default=0)
    if not needed:
        return f"Allow more in {key}: no number of rows would show a margin of {words.limit(one.margin)}"
    return f"Hold out about {words.rows(needed)} test rows in place of {one.rows:,}, or allow more in {key}"


def _hold_out_clusters(verdict: Verdict, name: str) -> str:
    """Say how many rows would make enough clusters, if further rows are like these."""
    check, start = verdict.checks[name], name.removesuffix("clusters")
    rows = max((one.rows for key, one in verdict.comparisons.items() if key.startswith(start)), default=0)
    found, wanted = float(check.value), float(check.wanted)
    if not rows or found <= 0:
        return remedies.of(name).do
    needed = words.rows(rows * wanted / found)
    return f"Hold out about {needed} rows that neither model was trained on, in place of {rows:,}"


def rows_to_prove(one: Comparison) -> float | None:
    """Return with about how many rows like these the bound would lie where it is wanted; None with no number.

    The distance of a bound from what was found falls with the root of the rows.
    """
    room = one.difference + one.margin
    if room <= 0 or one.low > -one.margin:
        return None
    return one.rows * float(((one.difference - one.low) / room) ** 2)
