"""Two years of weekly candidates on one test split that grows, through the gate's own code.

What takes longest, the resampling, is done for many candidates at once: `judging.bootstrap` bounds the one
comparison in which a candidate is worse, with the weights that the gate would draw. Where that bound refuses,
the gate refuses, whatever else it checks; everybody else stands before the gate itself, with records, tables
and looks.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from bench.gate.draws import (
    BASE,
    EQUAL,
    GATE,
    PARAMS,
    SMALL,
    Answers,
    Ints,
    Rows,
    Truth,
    answer,
    answer_triplets,
    draw_rows,
    evidence,
)
from pipeline.judging import bootstrap, comparisons, spending
from pipeline.judging.bootstrap import Differences
from pipeline.judging.spending import Count
from pipeline.judging.verdict import gate
from pipeline.params.gate import GateParams
from pipeline.records import Metric, ModelName, Verdict
from pipeline.records.log import Entry, Look

WEEKS = 104
START = 11_982  # the reference's own test split
GROWTH = 0.01  # a month
# All widths and floors of params.yaml; and with one width, where nothing but one comparison may refuse.
WHOLE = GATE.model_copy(update={"resamples": PARAMS.resamples})
WIDTHS = tuple(sorted(WHOLE.floors, reverse=True))
WIDTH = WIDTHS[0]
ALONE = WHOLE.model_copy(update={"floors": {WIDTH: 0.5}})
# All models lose so much, that one can be better than another.
COMMON = 0.01


def rows_in(week: int) -> int:
    """Return how many rows the split has in a week, the first being 0."""
    return math.floor(START * (1 + GROWTH) ** (week * 12 // 52))


def split_of(random: np.random.Generator) -> Rows:
    """Draw the split as it will be in the last week.

    Every month's rows have clusters of the same sizes in another order: so there are as many clusters in each
    such split, and many splits can be resampled with the same weights.
    """
    sizes: list[Ints] = []
    before = 0
    for rows in sorted({rows_in(week) for week in range(WEEKS)}):
        added = np.resize(np.array(SMALL), rows - before)
        whole = int(np.searchsorted(np.cumsum(added), rows - before))
        block = added[: whole + 1].copy()
        block[-1] -= block.sum() - (rows - before)
        sizes.append(random.permutation(block))
        before = rows
    of_cluster = np.concatenate(sizes)
    return draw_rows(np.repeat(np.arange(len(of_cluster)), of_cluster), random)


@cache
def looks() -> tuple[Count, ...]:
    """Count every week's look with the log of all before, a candidate a week."""
    entries: dict[str, Entry] = {}
    counts = []
    for week in range(WEEKS):
        groups = frozenset(f"{place:016x}" for place in range(rows_in(week)))
        candidate = f"{week:064x}"
        counts.append(spending.count(entries, candidate, groups))
        look = Look(
            candidate=candidate,
            test_digest=f"{rows_in(week):064x}",
            groups=spending.described(entries, groups),
            gate={},
            alpha=comparisons.level(WHOLE),
            outcome="failed",
        )
        entry = Entry(after=None, at=f"week {week}", what=look)
        entries[entry.name] = entry
    return tuple(counts)


@dataclass(frozen=True)
class Released:
    """A model whose truth is known, and its answers on the split as it will be in the last week."""

    truth: Truth
    answers: Answers


@dataclass
class Chain:
    """Releases on one split: what is live now, and the best so far."""

    rows: Rows
    random: np.random.Generator
    live: Released
    anchor: Released


@dataclass(frozen=True)
class Asked:
    """A candidate that is worse than live in one metric, as it is screened and then judged.

    Attributes:
        rows: The split of that week.
        candidate: The candidate's answers in the metric.
        rivals: Whom it is compared with, and by which margin.
        metric: Which one; the bounds of the others are the gate's own matter.
    """

    rows: Rows
    candidate: Answers
    rivals: tuple[tuple[Answers, float], ...]
    metric: Metric = "accuracy"


def screened(asked: Sequence[Asked], params: GateParams) -> list[bool]:
    """Say of each candidate whether every bound leaves it a chance, all on splits of as many clusters."""
    checks, margins, places = [], [], []
    for place, one in enumerate(asked):
        for rival, margin in one.rivals:
            kept = ~(one.candidate.seen | rival.seen)
            if one.metric == "hard":
                kept &= one.rows.hard
            ours, theirs = (
                each.ndcg[WIDTH] if one.metric == "ndcg" else each.won[WIDTH].astype(np.float64)
                for each in (one.candidate, rival)
            )
            checks.append(Differences((ours - theirs)[kept], one.rows.cluster[kept]))
            margins.append(margin)
            places.append(place)
    clusters = {int(one.rows.cluster[-1]) + 1 for one in asked}
    assert len(clusters) == 1
    found = bootstrap.resample(checks, clusters.pop(), comparisons.resamples(params), params.seed)
    level = comparisons.level(params)
    bounds = bootstrap.bounds(found, [level] * len(checks), [False] * len(checks), margins)
    chances = [True] * len(asked)
    for place, bound, margin in zip(places, bounds, margins, strict=True):
        chances[place] &= bound.low > -margin
    return chances


def judged(rows: Rows, models: dict[ModelName, Answers], week: int, params: GateParams) -> Verdict:
    """Ask the gate itself."""
    base = answer(rows, BASE, tuple(params.floors), np.random.default_rng(0))
    return gate(evidence(rows, {"base": base, **models}, looks()[week]), params)


def equal_first(seeds: Sequence[int]) -> list[str]:
    """Return the outcome of a candidate that is equal to live and anchor, in the first week, by seed."""
    outcomes: list[str] = []
    for seed in seeds:
        random = np.random.default_rng([1, seed])
        rows = split_of(random).first(rows_in(0))
        models = {name: answer(rows, truth, WIDTHS, random) for name, truth in EQUAL.items()}
        outcomes.append(judged(rows, models, 0, WHOLE).outcome)
    return outcomes


def equal_weeks(seeds: Sequence[int]) -> list[str]:
    """Return the outcomes of 104 candidates equal to live, on a split by seed; who passes is live."""
    outcomes: list[str] = []
    for seed in seeds:
        random = np.random.default_rng([2, seed])
        rows = split_of(random)
        live = anchor = answer(rows, Truth(), WIDTHS, random)
        for week in range(WEEKS):
            candidate = answer(rows, Truth(), WIDTHS, random)
            now = rows_in(week)
            models: dict[ModelName, Answers] = {
                "candidate": candidate.first(now),
                "live": live.first(now),
                "anchor": anchor.first(now),
            }
            verdict = judged(rows.first(now), models, week, WHOLE)
            outcomes.append(verdict.outcome)
            live = candidate if verdict.passed else live
            anchor = candidate if verdict.passed and verdict.better_than_anchor else anchor
    return outcomes


def passing_weeks(seeds: Sequence[int]) -> list[list[int]]:
    """Return, by seed of the split, the weeks whose candidate passes: each truly worse by the margin.

    Only verdicts are seen, so every candidate is another seed of the same; each errs on rows of its own, and
    nothing but accuracy at one width can refuse it, which is where the most pass.
    """
    margin = ALONE.live_margins.accuracy
    truth = Truth(accuracy=margin)
    splits = []
    for seed in seeds:
        random = np.random.default_rng([3, seed])
        rows = split_of(random)
        splits.append((rows, answer(rows, Truth(), (WIDTH,), random)))
    passed: list[list[int]] = [[] for _ in seeds]
    for now in sorted({rows_in(week) for week in range(WEEKS)}):
        cut = [(rows.first(now), live.first(now)) for rows, live in splits]
        weeks = [week for week in range(WEEKS) if rows_in(week) == now]
        tries = [(place, week) for place in range(len(seeds)) for week in weeks]

        def random_of(place: int, week: int) -> np.random.Generator:
            return np.random.default_rng([4, seeds[place], week])

        asked = [
            Asked(
                cut[place][0],
                answer_triplets(cut[place][0], truth, WIDTH, random_of(place, week)),
                ((cut[place][1], margin),),
            )
            for place, week in tries
        ]
        for (place, week), chance in zip(tries, screened(asked, ALONE), strict=True):
            if chance:
                rows, live = cut[place]
                candidate = answer(rows, truth, (WIDTH,), random_of(place, week))
                if judged(rows, {"candidate": candidate, "live": live}, week, ALONE).passed:
                    passed[place].append(week)
    return passed


def twice_worse(metric: Metric, seeds: Sequence[int]) -> list[bool]:
    """Say of candidates worse by twice the margin in one metric, on a split each, whether they pass."""
    margins = ALONE.live_margins.model_dump()
    truth = Truth(**{metric: 2 * margins[metric]})
    asked, drawn = [], []
    for seed in seeds:
        random = np.random.default_rng([5, seed])
        rows = split_of(random).first(rows_in(0))
        live = answer(rows, Truth(), (WIDTH,), random)
        candidate = answer(rows, truth, (WIDTH,), random)
        asked.append(Asked(rows, candidate, ((live, margins[metric]),), metric))
        drawn.append(live)
    return [
        chance and judged(one.rows, {"candidate": one.candidate, "live": live}, 0, ALONE).passed
        for one, live, chance in zip(asked, drawn, screened(asked, ALONE), strict=True)
    ]


def drift(step: float, spread: float, seeds: Sequence[int]) -> list[list[float]]:
    """Return, by seed, what live truly loses against the anchor after each week, in anchor margins.

    Args:
        step: By how many of live's margins a candidate is truly worse than live.
        spread: Standard deviation of that, from one candidate to the next.
        seeds: Of the chains.
    """
    margins = ALONE.live_margins.accuracy, ALONE.anchor_margins.accuracy
    chains = []
    for seed in seeds:
        random = np.random.default_rng([6, seed, int(100 * step), int(100 * spread)])
        rows = split_of(random)
        first = Released(Truth(COMMON), answer(rows, Truth(COMMON), (WIDTH,), random))
        chains.append(Chain(rows, random, live=first, anchor=first))
    lost: list[list[float]] = [[] for _ in seeds]
    for week in range(WEEKS):
        now = rows_in(week)
        asked, candidates = [], []
        for chain in chains:
            worse = margins[0] * (step + spread * float(chain.random.normal()))
            truth = Truth(max(0.0, chain.live.truth.accuracy + worse))
            candidate = Released(truth, answer(chain.rows, truth, (WIDTH,), chain.random))
            rivals = [one.answers.first(now) for one in (chain.live, chain.anchor)]
            asked.append(
                Asked(
                    chain.rows.first(now),
                    candidate.answers.first(now),
                    tuple(zip(rivals, margins, strict=True)),
                )
            )
            candidates.append(candidate)
        for place, chance in enumerate(screened(asked, ALONE)):
            chain, one, candidate = chains[place], asked[place], candidates[place]
            if chance:
                live, anchor = (rival for rival, _ in one.rivals)
                models: dict[ModelName, Answers] = {
                    "candidate": one.candidate,
                    "live": live,
                    "anchor": anchor,
                }
                verdict = judged(one.rows, models, week, ALONE)
                if verdict.passed:
                    chain.live = candidate
                    chain.anchor = candidate if verdict.better_than_anchor else chain.anchor
            lost[place].append((chain.live.truth.accuracy - chain.anchor.truth.accuracy) / margins[1])
    return lost
