"""What the gate compares and checks, in words; and its figures, as a person reads them."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from pipeline.records import Check, Difference, Rule

Unit = Literal["score", "change", "share", "count", "fact"]

MODELS: Mapping[str, str] = {
    "base": "the base",
    "live": "live",
    "anchor": "the best release",
    "candidate": "this model",
}
METRICS: Mapping[str, str] = {
    "ndcg": "nDCG@10",
    "accuracy": "triplet accuracy",
    "hard": "accuracy on the hard subset",
}
_RULES: Mapping[Rule, str] = {">=": "at least ", "<=": "at most ", ">": "above ", "==": ""}
_COMPARISON = r"(base|live|anchor)_(ndcg|accuracy|hard)_(\d+)"


@dataclass(frozen=True)
class _Kind:
    """Checks of one kind: how their names are made, what they are called, and in what they are counted."""

    name: str
    called: Callable[[re.Match[str]], str]
    unit: Unit = "score"


def _comparison(found: re.Match[str]) -> str:
    other, metric, dim = found.groups()
    return f"{METRICS[metric]} against {MODELS[other]} at {int(dim):,}"


_FACTS = {
    "looks_known": "every look at these test rows is known",
    "weights_finite": "every weight is a number",
    "unit_norm": "every vector has length 1",
    "safetensors_only": "all weights are in safetensors",
}
_KINDS = (
    _Kind(_COMPARISON, _comparison),
    _Kind(f"{_COMPARISON}_visible", lambda found: f"what the rows can show of {_comparison(found)}"),
    _Kind(
        "(base|live|anchor)_(ndcg|accuracy|hard)_visible",
        lambda found: f"what the rows can show of {METRICS[found[2]]} against {MODELS[found[1]]}",
    ),
    _Kind("misled", lambda _: "triplets in which a word classifier takes the negative", "share"),
    _Kind("clusters", lambda _: "clusters of test rows", "count"),
    _Kind("over_long_(.+)", lambda found: f"{found[1]} texts that are cut", "share"),
    _Kind("rows_left_out", lambda _: "rows of train that no batch has room for", "count"),
    _Kind("batch_size", lambda _: "rows in a batch", "count"),
    _Kind("look", lambda _: "look at these test rows", "count"),
    _Kind("not_finite", lambda _: "scores that are no number", "count"),
    _Kind(
        "(base|live|anchor)_clusters",
        lambda found: f"clusters of rows comparable with {MODELS[found[1]]}",
        "count",
    ),
    _Kind("rows_left", lambda _: "test rows of the last release that are gone", "share"),
    _Kind("rejected_share", lambda _: "rows that the audit rejected", "share"),
    _Kind("leak_share", lambda _: "held-out rows near a trained text", "share"),
    _Kind("new_space_gain", lambda _: "gain in nDCG@10 for a new vector space"),
    _Kind(r"floor_(\d+)", lambda found: f"triplet accuracy at {int(found[1]):,}"),
    _Kind("retention", lambda _: "nDCG@10 kept at the smallest width", "share"),
    _Kind("forgetting_(.+)", lambda found: f"the probe {found[1]}"),
    _Kind("slice_rows=(new|old)", lambda found: f"change of triplet accuracy on {found[1]} rows", "change"),
    _Kind(
        "slice_([^=]+)=(.*)",
        lambda found: f"change of triplet accuracy where {found[1]} is {found[2]}",
        "change",
    ),
    _Kind("|".join(_FACTS), lambda found: _FACTS[found[0]], "fact"),
)


def of(name: str) -> str:
    """Return what a check or a comparison is called; a name that nobody knows is its own.

    Values of slices come from the data set, and terminals and pages show the result: it holds no control.

    >>> of("base_ndcg_1024")
    'nDCG@10 against the base at 1,024'
    """
    kind = _kind(name)
    return plain(name if kind is None else kind[0].called(kind[1]))


def plain(text: str) -> str:
    """Leave the printable signs: no control, no change of writing direction, no line break."""
    return " ".join("".join(sign for sign in text if sign.isprintable() or sign.isspace()).split())


def found_value(name: str, check: Check) -> str:
    """Return what a check found, in its unit; what misses a limit closely has the digits that show it.

    >>> found_value("leak_share", Check(value=0.0104, rule="<=", wanted=0.01, passed=False))
    '1.04%'
    """
    unit, value, wanted = _unit(name, check), check.value, check.wanted
    if check.passed or unit == "count" or not (isinstance(value, float) and isinstance(wanted, float)):
        return shown(value, unit)
    usual = 3 if unit == "share" else 4
    differ = (digits for digits in range(usual, 16) if round(value, digits) != round(wanted, digits))
    digits = next(differ, usual)
    if digits == usual:
        return shown(value, unit)
    return f"{100 * value:.{digits - 2}f}%" if unit == "share" else f"{value:.{digits}f}"


def wanted_value(name: str, check: Check) -> str:
    """Return what a check wanted, as `at least 0.82`."""
    unit = _unit(name, check)
    if unit in ("score", "change") and isinstance(check.wanted, float):
        return _RULES[check.rule] + limit(check.wanted)
    return _RULES[check.rule] + shown(check.wanted, unit)


def shown(value: float | str | bool, unit: Unit) -> str:
    """Show a figure: counts whole, shares in per cent, scores with four digits behind the point.

    >>> shown(1200.0, "count"), shown(0.025, "share"), shown(0.5, "score"), shown(0.5, "change")
    ('1,200', '2.5%', '0.5000', '+0.5000')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, int | float):
        return "no number" if value == "NaN" else value
    if unit == "count":
        return f"{value:,.0f}"
    if unit == "change":
        return signed(value)
    return percent(value) if unit == "share" else f"{value:.4f}"


def percent(share: float) -> str:
    """Show a share in per cent, with as many digits as it takes.

    >>> percent(0.02), percent(0.9956), percent(0.0), percent(0.9999)
    ('2%', '99.6%', '0%', '99.99%')
    """
    close = min(abs(share), abs(1 - share))  # to nothing or to all, which it is not
    digits = 1 if close == 0 or close >= 0.001 else min(9, -1 - math.floor(math.log10(close)))
    text = f"{100 * share:.{digits}f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text}%"


def limit(value: float) -> str:
    """Show a limit with the digits that somebody gave it; one that was computed, as a score.

    >>> limit(0.05), limit(-0.0), limit(0.00005), limit(2 / 3)
    ('0.05', '0', '0.00005', '0.6667')
    """
    text = format(Decimal(f"{value + 0.0:.6g}"), "f")
    return text if float(text) == value else f"{value:.4f}"


def signed(value: float) -> str:
    """Show a difference with its sign.

    >>> signed(0.5338), signed(-0.0175), signed(0.0)
    ('+0.5338', '-0.0175', '0.0000')
    """
    text = f"{value:+.4f}"
    return "0.0000" if float(text) == 0 else text


def interval(one: Difference) -> str:
    """Show a difference, its interval, and whether the rows prove that there is one.

    Of no row a verdict has a difference of 0, which nobody measured.
    """
    if not one.rows:
        return "no comparable row"
    proven = "" if one.proven else ", not proven"
    return f"{signed(one.difference)} ({signed(one.low)} to {signed(one.high)}{proven})"


def change(one: Difference) -> str:
    """Show by how much something rose or fell, without a sign, and its interval from small to large.

    >>> counted = {"alpha": 0.01, "rows": 100, "clusters": 100, "left_out": 0}
    >>> change(Difference(difference=-0.13, low=-0.15, high=-0.11, **counted))
    '0.1300 (0.1100 to 0.1500)'
    """
    ends = (one.low, one.high) if one.difference >= 0 else (-one.high, -one.low)
    return f"{abs(one.difference):.4f} ({' to '.join(f'{end:.4f}' for end in ends)})"


def rows(count: float) -> str:
    """Show about how many rows are needed, with two digits.

    >>> rows(1_234), rows(98_765)
    ('1,300', '99,000')
    """
    step = 10 ** max(0, math.floor(math.log10(max(count, 1))) - 1)
    return f"{math.ceil(count / step) * step:,}"


def _kind(name: str) -> tuple[_Kind, re.Match[str]] | None:
    for kind in _KINDS:
        found = re.fullmatch(kind.name, name, flags=re.DOTALL)
        if found:
            return kind, found
    return None


def _unit(name: str, check: Check) -> Unit:
    kind = _kind(name)
    return "fact" if isinstance(check.value, bool) else "score" if kind is None else kind[0].unit
