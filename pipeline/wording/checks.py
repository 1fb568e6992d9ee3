"""A check of a verdict in words: what it is called, what it found and what it wanted."""

from pipeline.records import Comparison, Verdict
from pipeline.wording import words


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
