"""Counts with their nouns, and lists, as a sentence has them."""

from collections.abc import Sequence


def counted(count: int, one: str, many: str | None = None) -> str:
    """Show a count with its noun, which is singular for 1 alone.

    >>> counted(1, "row"), counted(2000, "row"), counted(0, "query", "queries")
    ('1 row', '2,000 rows', '0 queries')
    """
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def listed(parts: Sequence[str], last: str = "and") -> str:
    """Join the parts of a list.

    >>> listed(["384"]), listed(["384", "64"]), listed(["256", "128", "64"], "or")
    ('384', '384 and 64', '256, 128 or 64')
    """
    return f" {last} ".join([*([", ".join(parts[:-1])] if parts[1:] else []), *parts[-1:]])
