"""How a look counts, and what it may spend of the gate's error rate.

Each candidate that is judged on test rows is a *look* at them (the word is that of group-sequential trials:
Jennison and Turnbull, Group Sequential Methods, 1999). Whoever only learns of verdicts has, before the first
wrong yes, seen nothing but refusals; so what they try next depends on no row, and the chance that any of K
worse candidates passes is at most the sum of their levels, with no penalty for adaptivity (Blum and Hardt,
The Ladder, 2015, https://arxiv.org/abs/1502.04585, use the same argument). A constant level serves a schedule
best: the last look is not harder to pass than the first.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.records.log import EarlierLooks, Entry, Groups, Look

FIRST_LOOKS = 10


def level(alpha: float, horizon: int) -> float:
    """Return the level of each look: the first ten share `alpha`, all up to the horizon twice `alpha`.

    >>> round(level(0.05, 5), 4), round(level(0.05, 104), 5)
    (0.01, 0.00096)
    """
    return min(alpha / min(horizon, FIRST_LOOKS), 2 * alpha / horizon)


@dataclass(frozen=True)
class Count:
    """How often some groups of test rows were looked at.

    Attributes:
        number: This candidate's look, from 1 on: one more than the earlier candidates, each counted by the
            share of these groups that it was judged on, rounded up.
        spent: What the earlier candidates spent on these groups, counted by the same shares.
        candidates: All candidates that the log knows, this one aside.
        lost: Some of these groups are of a log that is lost: nobody knows how often they were looked at.
    """

    number: int
    spent: float
    candidates: int
    lost: bool


def count(entries: Mapping[str, Entry], candidate: str, groups: frozenset[str]) -> Count:
    """Count the looks at some groups before this candidate's.

    Args:
        entries: The log before this candidate was judged on these groups, by name.
        candidate: Digest of the candidate; its own earlier entries are no looks of another.
        groups: Of the test rows that it is judged on.
    """
    resolved: dict[str, frozenset[str]] = {}
    judged: dict[str, set[str]] = {}
    spent: dict[str, float] = {}
    lost = False
    for name, entry in entries.items():
        what = entry.what
        if isinstance(what, Look):
            names: tuple[str, ...] = (what.candidate,)
            alpha = what.alpha
        elif isinstance(what, EarlierLooks):
            names, alpha = what.candidates, 0.0
            lost = lost or (what.lost and bool(groups & resolve(entries, name, resolved)))
        else:
            continue
        for one in names:
            judged.setdefault(one, set()).update(resolve(entries, name, resolved) & groups)
            spent[one] = max(spent.get(one, 0.0), alpha)
    judged.pop(candidate, None)
    shares = {one: len(shared) / max(1, len(groups)) for one, shared in judged.items()}
    return Count(
        # The sum of many shares that make a whole is a hair off it.
        number=1 + math.ceil(sum(shares.values()) - 1e-9),
        spent=sum(spent[one] * share for one, share in shares.items()),
        candidates=len(judged),
        lost=lost,
    )


def first(entries: Mapping[str, Entry], candidate: str, groups: frozenset[str]) -> tuple[str, Entry] | None:
    """Return the entry of this candidate's look at these very groups; None where there was none yet."""
    resolved: dict[str, frozenset[str]] = {}
    found = [
        (name, entry)
        for name, entry in entries.items()
        if isinstance(entry.what, Look)
        and entry.what.candidate == candidate
        and entry.what.alpha > 0
        and resolve(entries, name, resolved) == groups
    ]
    return found[0] if found else None


def resolve(entries: Mapping[str, Entry], name: str, known: dict[str, frozenset[str]]) -> frozenset[str]:
    """Return the groups that an entry names.

    Args:
        entries: The log.
        name: The entry's name: a look, or looks of before.
        known: What was resolved before; filled in.
    """
    chain = []
    at: str | None = name
    while at is not None and at not in known:
        chain.append(at)
        at = _groups(entries[at]).like
    found = known[at] if at is not None else frozenset()
    for one in reversed(chain):
        groups = _groups(entries[one])
        found = (found - frozenset(groups.without)) | frozenset(groups.besides)
        known[one] = found
    return found


def described(entries: Mapping[str, Entry], groups: frozenset[str]) -> Groups:
    """Describe groups by the entry that they differ the least from."""
    resolved: dict[str, frozenset[str]] = {}
    best = Groups(besides=tuple(sorted(groups)))
    for name, entry in entries.items():
        if isinstance(entry.what, Look | EarlierLooks):
            theirs = resolve(entries, name, resolved)
            if len(theirs ^ groups) < len(best.without) + len(best.besides):
                best = Groups(
                    like=name,
                    without=tuple(sorted(theirs - groups)),
                    besides=tuple(sorted(groups - theirs)),
                )
    return best


def _groups(entry: Entry) -> Groups:
    assert isinstance(entry.what, Look | EarlierLooks)
    return entry.what.groups
