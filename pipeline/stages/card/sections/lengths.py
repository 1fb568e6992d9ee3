"""What the card says of long texts: of a cut only where one was made."""

from collections.abc import Sequence
from typing import Any

from pipeline.records import Audit, SplitAudit
from pipeline.wording.counted import counted


def context(audit: Audit, limit: int, *, tested: Sequence[str], probed: bool) -> dict[str, Any]:
    """Return how long the texts were, and what was not tested.

    Args:
        audit: The lengths of all texts.
        limit: The tokens that the model reads.
        tested: The splits that were scored.
        probed: Whether anything outside of the domain was tested.
    """
    held_out = [audit.splits[name] for name in tested if name in audit.splits]
    train = [audit.splits["train"]] if "train" in audit.splits else []
    parts = [
        f"{_the_longest(splits)} that it was {done} on has {_longest(splits):,}{_cut(splits, limit)}"
        for splits, done in ((train, "trained"), (held_out, "tested"))
        if _longest(splits)
    ]
    seen = min(limit, _longest(held_out))
    what = (
        f"What a text holds behind its first {counted(limit, 'token')} is not read"
        if seen >= limit
        else f"Texts of more than {counted(seen, 'token')} were not tested"
    )
    return {
        "lengths": ", ".join(parts) or "how long the texts are was not measured",
        "untested": f"{what}{'' if probed else '; nothing outside of the domain was tested'}.",
    }


def _longest(splits: Sequence[SplitAudit]) -> int:
    return max((one.max for split in splits for one in split.tokens.values()), default=0)


def _the_longest(splits: Sequence[SplitAudit]) -> str:
    """Name the longest text; of very many a sample was measured."""
    sampled = any(one.texts < split.kept for split in splits for one in split.tokens.values())
    return "the longest measured text" if sampled else "the longest text"


def _cut(splits: Sequence[SplitAudit], limit: int) -> str:
    return f" and was cut to {limit:,}" if _longest(splits) > limit else ""
