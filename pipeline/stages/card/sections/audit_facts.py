"""What the card says of the data: each sentence only where there is something to say."""

from typing import Any

from pipeline.records import Audit
from pipeline.stages.card.markdown import cell
from pipeline.wording import words


def context(audit: Audit) -> dict[str, Any]:
    """Return the sentences of the audit; they lack the full stop."""
    dropped: dict[str, int] = {}
    for split in audit.splits.values():
        for reason, count in split.dropped.items():
            dropped[reason] = dropped.get(reason, 0) + count
    reasons = ", ".join(
        f"{cell(reason.replace('_', ' '))} {count:,}" for reason, count in sorted(dropped.items())
    )
    return {
        "rejected": f", of which {words.percent(audit.rejected_share)} were rejected: {reasons}"
        if reasons
        else "; none was rejected",
        "near_train": _near_train(audit),
        "shortcuts": "; ".join(
            f"on {split} a word classifier that never sees the query gets "
            f"{words.percent(found.bag_of_words)} of the triplets right, BM25 {words.percent(found.bm25)}, "
            f"neither of them {found.hard_rows:,} (the hard subset)"
            for split, found in audit.shortcut.items()
        ),
        "personal": ", ".join(
            f"{cell(kind.replace('_', ' '))} in {count:,} rows" for kind, count in audit.personal_data.items()
        )
        + "; no such row is shown here"
        if audit.personal_data
        else "none was found",
        "over_long": sum(
            lengths.over_long for split in audit.splits.values() for lengths in split.tokens.values()
        ),
    }


def _near_train(audit: Audit) -> str:
    found = [
        f"{count:,} of {audit.splits[split].kept:,} {split} rows"
        for split, count in audit.near_train.items()
        if count
    ]
    if not found:
        return "no held-out row is the same as, or near, a text that was trained on"
    return f"{' and '.join(found)} are the same as, or near, a text that was trained on"
