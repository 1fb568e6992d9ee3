"""What `gate` writes: `verdict.json` and `summary.json`, both in `records/`."""

from typing import Literal, get_args

from pydantic import Field

from pipeline.records.names import Metric, ModelName, Rival
from pipeline.records.record import Document, Part, Record

Rule = Literal[">=", "<=", ">", "=="]
Outcome = Literal["passed", "failed", "underpowered", "not_comparable", "test_spent"]
# Mistakes that leave a trace in several measures at once.
Pattern = Literal[
    "labels_swapped",
    "labels_mixed",
    "style_learned",
    "forgot",
    "widths_left_behind",
    "nothing_learned",
    "worse_than_base",
]


class Check(Part):
    """One check: the value found, the rule with the value wanted, and whether it held."""

    value: float | str | bool
    rule: Rule
    wanted: float | str | bool
    passed: bool


class Difference(Part):
    """The candidate less another model, on rows that neither was trained on.

    Attributes:
        difference: Mean of candidate less other.
        low: One-sided lower bound at `alpha`.
        high: The upper bound at the same level.
        alpha: Level of each bound in this look.
        rows: Rows compared.
        clusters: Clusters that they fall into, which are resampled.
        left_out: Rows left out because one of the two models was trained on something near them.
    """

    difference: float
    low: float
    high: float
    alpha: float
    rows: int
    clusters: int
    left_out: int

    @property
    def proven(self) -> Literal["higher", "lower"] | None:
        """Which way the two differ, where the rows prove it."""
        return "higher" if self.low > 0 else "lower" if self.high < 0 else None


class Comparison(Difference):
    """A difference that the gate holds against a limit.

    Attributes:
        margin: H0 is "worse by this or more", and the check is `low > -margin`; negative where the candidate
            must be better by its size.
        visible: Smallest difference that could have been seen, with 95% power for all checks together.
        rows_needed: Rows with which `visible` would be no more than the margin.
    """

    margin: float
    visible: float
    rows_needed: int


class Verdict(Record):
    """`passed` only where every check passed.

    Attributes:
        outcome: Why not, where not: a check failed, the test set is too small to see the margin, too few rows
            are comparable, or the test set has been looked at too often.
        first_release: There was no live model.
        compared_with: Commits of live and anchor, where they were compared.
        look: This candidate's number among those judged on these test rows, each counted by the share of the
            rows that it was judged on.
        looks_allowed: `gate.max_looks`.
        looks_left: How many more these rows may judge.
        comparisons: By name, as `live_ndcg_1024`.
        reported: Differences by which nothing is judged, by the same names: against the base in every metric
            and width that is no comparison; empty in older records.
        probes: Differences in nDCG@10 to base and live on each probe that is a retrieval set, by its name;
            empty in older records.
        patterns: What candidate and data have in common with known mistakes, as sentences; empty in older
            records.
        needs_human: A new vector space replaces the live one: a person must approve before the release.
        training_unknown: Nobody knows what a model that it was compared with was trained on, so that all rows
            were compared: a person must approve before the release.
        better_than_anchor: Whether the candidate becomes the anchor when it is released.
        hard_judged: Whether the verdict rests on the hard subset, too.
        loosened: What was stricter for the last released candidate, as sentences: a person must approve.
        assumptions: What the error rates rest on, as sentences.
    """

    candidate: str
    passed: bool
    outcome: Outcome
    first_release: bool
    compared_with: dict[Rival, str]
    look: int
    looks_allowed: int
    looks_left: int
    checks: dict[str, Check]
    comparisons: dict[str, Comparison]
    reported: dict[str, Difference] = Field(default_factory=dict)
    probes: dict[str, dict[ModelName, Difference]] = Field(default_factory=dict)
    patterns: dict[Pattern, str] = Field(default_factory=dict)
    needs_human: bool
    training_unknown: bool = False
    better_than_anchor: bool
    hard_judged: bool = False
    loosened: dict[str, str] = Field(default_factory=dict)
    assumptions: dict[str, str]

    def differences(self, other: ModelName) -> dict[tuple[Metric, int], Difference]:
        """Return every difference to another model by metric and width, judged or not."""
        found = {}
        for name, one in {**self.reported, **self.comparisons}.items():
            for metric in get_args(Metric):
                start = f"{other}_{metric}_"
                if name.startswith(start):
                    found[metric, int(name.removeprefix(start))] = one
        return found

    def failures(self) -> dict[str, Check]:
        """Return the checks that did not pass."""
        return {name: check for name, check in self.checks.items() if not check.passed}

    def narrow(self, by: float) -> dict[str, float]:
        """Return the checks that passed by less than this, and by how much.

        A measure that cannot be better, a count, and what is no number are never narrow.
        """
        found = {}
        for name, one in self.checks.items():
            if isinstance(one.value, float) and isinstance(one.wanted, float) and abs(one.wanted) <= 1:
                best = one.value <= 0 if one.rule == "<=" else one.value >= 1
                if one.passed and not best and one.rule != "==" and abs(one.value - one.wanted) < by:
                    found[name] = abs(one.value - one.wanted)
        return found


class Summary(Document):
    """The outcome and the candidate's measures on gate.split, by width.

    The verdict holds the digest of the file. Nested by keys, without lists and short: DVC shows a column per
    key, and a terminal has a hundred characters.

    Attributes:
        outcome: Of the verdict.
        ndcg: nDCG@10 of the split's own queries, at the largest and at the smallest width.
        accuracy: Of triplets, at the largest width.
        hard: Of the triplets of the hard subset, at the largest width; empty where there are none.
    """

    outcome: Outcome
    ndcg: dict[int, float]
    accuracy: dict[int, float]
    hard: dict[int, float]
