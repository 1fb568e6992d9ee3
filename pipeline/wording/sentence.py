"""A verdict as a person says it: the outcome, the one check that decided it, by how much, and what to do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.records import Comparison, Outcome, Verdict
from pipeline.wording import checks, needed_rows, remedies, words
from pipeline.wording.counted import counted, listed
from pipeline.wording.deciding import GRAVEST, VISIBLE, deciding, proven_worse
from pipeline.wording.remedies import Remedy

_SAID: Mapping[Outcome, str] = {
    "passed": "Passed",
    "failed": "Refused",
    "underpowered": "Undecided",
    "not_comparable": "Not comparable",
    "test_spent": "Test rows spent",
}


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
        enough = verdict.outcome == "failed" and name not in GRAVEST
        remedy = Remedy(patterns if enough else f"{remedy.do}. {patterns}", remedy.section)
    return Said(_SAID[verdict.outcome], _decided(verdict, name), remedy)


def _decided(verdict: Verdict, name: str | None) -> str:
    if name is None:
        return "no check says why"
    if name.endswith(VISIBLE):
        return _open(verdict.comparisons[name.removesuffix(VISIBLE)], name.removesuffix(VISIBLE))
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
    return checks.line(verdict, name)


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
    others = listed([words.MODELS.get(name, name) for name in rivals])
    if len(limits) == 1:
        return f"the one comparison with {others} rules out"
    return f"all {len(limits)} comparisons with {others} rule out"


def _worse(one: Comparison, name: str) -> str:
    called = words.of(name)
    if one.margin <= 0:
        by = f" by {words.limit(-one.margin)}" if one.margin else ""
        wanted = f"must be proven to rise{by}"
        return f"{called} {_moved(one)}, and {wanted}"
    if proven_worse(one):
        return f"{called} {_moved(one)}, and at most {words.limit(one.margin)} may be lost"
    return f"{called} {_moved(one)}, and a loss of {words.limit(one.margin)} is not ruled out"


def _open(one: Comparison, name: str) -> str:
    return (
        f"{words.of(name)} {_moved(one)}. {counted(one.rows, 'row')} can show a loss of {one.visible:.4f} "
        f"or more, and {words.limit(one.margin)} is too much already"
    )


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
        return Remedy(needed_rows.for_clusters(verdict, name), remedies.of(name).section)
    compared = name.removesuffix(VISIBLE)
    known, one = remedies.of(compared), verdict.comparisons.get(compared)
    if one is None:
        return known
    if name.endswith(VISIBLE):
        other, metric, _ = compared.split("_")
        key = f"gate.{other}_margins.{metric}"
        return Remedy(needed_rows.to_show(verdict, one, key), known.section)
    more = needed_rows.to_prove(one)
    if more is None or proven_worse(one):
        return known
    return Remedy(
        f"{known.do}; if it is as good as it looks, about {words.rows(more)} test rows in place of "
        f"{one.rows:,} would prove it",
        known.section,
    )
