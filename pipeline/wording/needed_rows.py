"""How many test rows would decide what rows leave open."""

from pipeline.records import Comparison, Verdict
from pipeline.wording import remedies, words
from pipeline.wording.deciding import VISIBLE


def to_show(verdict: Verdict, one: Comparison, key: str) -> str:
    """Say how many rows would decide, of all comparisons that these rows leave open, or what to allow."""
    left = [
        verdict.comparisons[name.removesuffix(VISIBLE)]
        for name in verdict.failures()
        if name.endswith(VISIBLE)
    ]
    needed = max((other.rows_needed for other in left), default=0)
    if not needed:
        return f"Allow more in {key}: no number of rows would show a margin of {words.limit(one.margin)}"
    return f"Hold out about {words.rows(needed)} test rows in place of {one.rows:,}, or allow more in {key}"


def for_clusters(verdict: Verdict, name: str) -> str:
    """Say how many rows would make enough clusters, if further rows are like these."""
    check, start = verdict.checks[name], name.removesuffix("clusters")
    rows = max((one.rows for key, one in verdict.comparisons.items() if key.startswith(start)), default=0)
    found, wanted = float(check.value), float(check.wanted)
    if not rows or found <= 0:
        return remedies.of(name).do
    needed = words.rows(rows * wanted / found)
    return f"Hold out about {needed} rows that neither model was trained on, in place of {rows:,}"


def to_prove(one: Comparison) -> float | None:
    """Return with about how many rows like these the bound would lie where it is wanted; None with no number.

    The distance of a bound from what was found falls with the root of the rows.
    """
    room = one.difference + one.margin
    if room <= 0 or one.low > -one.margin:
        return None
    return one.rows * float(((one.difference - one.low) / room) ** 2)
