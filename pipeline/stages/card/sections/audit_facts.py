"""What the card says of the data: each sentence only where there is something to say."""

from typing import Any

from pipeline.records import Audit
from pipeline.stages.card.markdown import cell
from pipeline.wording import words
from pipeline.wording.counted import counted


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
            f"{words.percent(found.bag_of_words)} of the triplets right, BM25 {words.percent(found.bm25)}; "
            f"{_hard(found.hard_rows)}"
            for split, found in audit.shortcut.items()
        ),
        "personal": ", ".join(
            f"{cell(kind.replace('_', ' '))} in {counted(count, 'row')}"
            for kind, count in audit.personal_data.items()
        )
        + "; no such row is shown here"
        if audit.personal_data
        else "none was found",
        "over_long": sum(
            lengths.over_long for split in audit.splits.values() for lengths in split.tokens.values()
        ),
    }


def _near_train(audit: Audit) -> str:
    near = {split: count for split, count in audit.near_train.items() if count}
    found = [
        f"{count:,} of {counted(audit.splits[split].kept, f'{split} row')}" for split, count in near.items()
    ]
    if not found:
        return "no held-out row is the same as, or near, a text that was trained on"
    verb = "is" if sum(near.values()) == 1 else "are"
    return f"{' and '.join(found)} {verb} the same as, or near, a text that was trained on"


def _hard(rows: int) -> str:
    """Say what is left for the hard subset."""
    if not rows:
        return "none is left that one of them does not get right, so that there is no hard subset"
    return f"{counted(rows, 'triplet')} neither of them gets right, the hard subset"
