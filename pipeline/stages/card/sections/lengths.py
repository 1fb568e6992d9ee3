"""What the card says of long texts: of a cut only where one was made."""

from typing import Any

from pipeline.records import Audit, SplitAudit


def context(audit: Audit, limit: int, *, probed: bool) -> dict[str, Any]:
    """Return how long the texts were, and what was not tested.

    Args:
        audit: The lengths of all texts.
        limit: The tokens that the model reads.
        probed: Whether anything outside of the domain was tested.
    """
    train, test = (audit.splits.get(name) for name in ("train", "test"))
    parts = [
        f"the longest text that it was {done} on has {min(limit, _longest(split)):,}{_cut(split, limit)}"
        for split, done in ((train, "trained"), (test, "tested"))
        if split is not None and _longest(split)
    ]
    tested = min(limit, _longest(test)) if test is not None else 0
    what = (
        f"What a text holds behind its first {limit:,} tokens is not read"
        if tested >= limit
        else f"Texts of more than {tested:,} tokens were not tested"
    )
    return {
        "lengths": ", ".join(parts) or "how long the texts are was not measured",
        "untested": f"{what}{'' if probed else '; nothing outside of the domain was tested'}.",
    }


def _longest(split: SplitAudit) -> int:
    return max((one.max for one in split.tokens.values()), default=0)


def _cut(split: SplitAudit, limit: int) -> str:
    longest = _longest(split)
    return f" (cut, of {longest:,})" if longest > limit else ""
