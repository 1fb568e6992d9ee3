"""The gate's checks that rest on bounds: whether enough was left to compare, and who is proven worse."""

import math
from collections.abc import Sequence

from pipeline.judging.comparisons import Compared, ndcg_bounds
from pipeline.judging.thresholds import above, at_least, at_most
from pipeline.records import Check, ModelName, Reembed


def enough_left(compared: Sequence[Compared], others: Sequence[ModelName], wanted: int) -> dict[str, Check]:
    """Check that enough is left to compare."""
    checks = {}
    for other in others:
        counted = [
            one.bounds.clusters
            for one in compared
            if one.paired.other == other and one.paired.metric != "hard"
        ]
        checks[f"{other}_clusters"] = at_least(float(min(counted, default=0)), float(wanted))
    return checks


def margins_visible(compared: Sequence[Compared]) -> dict[str, Check]:
    """Check that a loss by the margin would have been seen, wherever the bound leaves that open.

    Nothing is open where the bound proves "not worse by the margin" already: the rows were enough. Nor where
    the difference was seen: such a candidate is worse, and more rows would only say so again.
    """
    return {
        f"{one.name}_visible": at_most(one.bounds.visible, one.paired.margin)
        for one in compared
        if one.paired.margin is not None
        and one.paired.judged
        and one.bounds.low <= -one.paired.margin
        and one.bounds.high >= 0
    }


def proven_worse(compared: Sequence[Compared], base_min_gain: float) -> dict[str, Check]:
    """Check that no difference is proven to be too low: all that the rows allow lies below what is wanted."""
    return {
        one.name: at_least(one.bounds.high, base_min_gain)
        if one.paired.margin is None
        else above(one.bounds.high, -one.paired.margin)
        for one in compared
        if one.paired.judged
    }


def bounds_hold(compared: Sequence[Compared], base_min_gain: float) -> dict[str, Check]:
    """Check that the candidate is better than the base, and worse than no other model by a margin."""
    return {
        one.name: at_least(one.bounds.low, base_min_gain)
        if one.paired.margin is None
        else above(one.bounds.low, -one.paired.margin)
        for one in compared
        if one.paired.judged
    }


def new_space_gains(compared: Sequence[Compared], reembed: Reembed, min_gain: float) -> dict[str, Check]:
    """Check that a new vector space brings what embedding everything again is worth."""
    if reembed.compatible is not False:
        return {}
    gains = ndcg_bounds(compared, "live")
    return {"new_space_gain": at_least(gains[0].low if gains else math.nan, min_gain)}


def slices_hold(slices: Sequence[Compared], max_drop: float) -> dict[str, Check]:
    """Check that no slice has dropped by more than is allowed and than chance explains.

    In a slice of thirty rows one of them is three points: taken at its word, a candidate that is equal to
    live would be refused for having slices. So a drop must also be proven, at the level of this look divided
    by the slices.
    """
    checks = {}
    for one in slices:
        chance = one.bounds.high - one.bounds.difference
        checks[one.name] = at_least(one.bounds.difference, -max(max_drop, chance))
    return checks
