"""What to do about a check that does not hold, and where docs/gate.md says how its limit is chosen."""

import re
from dataclasses import dataclass

GUIDE = "docs/gate.md"


@dataclass(frozen=True)
class Remedy:
    """What to do.

    Attributes:
        do: A sentence without its full stop.
        section: Heading of docs/gate.md, as a link names it.
    """

    do: str
    section: str

    @property
    def guide(self) -> str:
        """Where to read on."""
        return f"{GUIDE}#{self.section}"


_NEW_ROWS = "Pin a data set with test rows that judged nobody yet"
_BETTER = "Train a better candidate"
_BROKEN = "The model is broken: look at the training loss, then train again"
_REMEDIES: tuple[tuple[str, Remedy], ...] = (
    ("look|looks_known", Remedy(_NEW_ROWS, "looks-and-rows")),
    ("rows_left", Remedy("Bring back the test rows that are gone from the data set", "looks-and-rows")),
    (
        "(base|live|anchor)_clusters",
        Remedy("Hold out more rows that neither model was trained on", "looks-and-rows"),
    ),
    ("base_ndcg_.*", Remedy(_BETTER, "base_min_gain")),
    (".*_hard_.*", Remedy(_BETTER, "the-hard-subset")),
    ("(live|anchor)_(ndcg|accuracy)_.*", Remedy(_BETTER, "margins")),
    ("new_space_gain", Remedy(f"{_BETTER}, or keep the live vector space", "reembed_min_gain")),
    (
        "slice_.*",
        Remedy(f"{_BETTER}; look at the rows of this slice in data/clean", "slices-and-probes"),
    ),
    (
        "forgetting_.*",
        Remedy("Train for fewer steps or at a lower learning rate", "slices-and-probes"),
    ),
    ("floor_.*", Remedy(_BETTER, "floors")),
    (
        "retention",
        Remedy(
            "Give narrow widths more of train.loss.matryoshka_weights, or promise fewer in model.dims",
            "retention",
        ),
    ),
    (
        "leak_share",
        Remedy(
            "Set audit.policies.near_duplicate and same_text to drop, so that the trained rows leave",
            "leaks-and-rejected-rows",
        ),
    ),
    (
        "rejected_share",
        Remedy(
            "Look into data/rejected.parquet, which has each row with its reason, and correct the data set",
            "leaks-and-rejected-rows",
        ),
    ),
    ("not_finite|weights_finite|unit_norm|safetensors_only", Remedy(_BROKEN, "what-must-be-proven")),
)


def of(name: str) -> Remedy:
    """Return what to do where a check does not hold; a name that nobody knows asks for a better candidate.

    >>> of("floor_1024").guide
    'docs/gate.md#floors'
    """
    found = (remedy for pattern, remedy in _REMEDIES if re.fullmatch(pattern, name, flags=re.DOTALL))
    return next(found, Remedy(_BETTER, "what-must-be-proven"))
