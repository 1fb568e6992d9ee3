"""What `refresh` moved in the data set, for the page of its run."""

from collections.abc import Sequence

from flows.views.markup import plain, section
from pipeline.preflight.moved_rows import MovedRows


def moved(found: MovedRows) -> str:
    """Write what moved: rows by split, and new rows that may be shown."""
    counts = [
        [name, f"{one.added:,}", f"{one.removed:,}", f"{one.changed:,}", f"{one.before:,}", f"{one.after:,}"]
        for name, one in found.splits.items()
    ]
    examples = ["## New rows that may be shown", "\n".join(map(_example, found.examples))]
    parts = [
        f"# {found.new:,} new rows",
        f"`{found.before}` to `{found.after}`",
        *section("Rows", ["split", "added", "removed", "changed", "before", "now"], counts),
        *(examples if found.examples else []),
    ]
    return "\n\n".join(parts) + "\n"


def _example(texts: Sequence[str]) -> str:
    """Return one row as a list, as the older page wraps no table: its query, and below what belongs to it."""
    split, query, positive, *negatives = map(plain, texts)
    below = [f"positive: {positive}", *(f"negative: {one}" for one in negatives)]
    return "\n".join([f"- query in {split}: {query}", *(f"  - {line}" for line in below)])
