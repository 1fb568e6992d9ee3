"""`records/audit.json`: what was found in the splits."""

from pydantic import Field

from pipeline.records.record import Part, Record


class Lengths(Part):
    """Length of a column's texts, in characters."""

    min: int
    mean: float
    max: int


class SplitAudit(Part):
    """One split before and after; `found` counts every finding, `dropped` the rows that left for it."""

    rows: int = Field(ge=0)
    kept: int = Field(ge=0)
    groups: int = Field(ge=0)
    found: dict[str, int]
    dropped: dict[str, int]
    characters: dict[str, Lengths]


class Audit(Record):
    """What was found, per split."""

    splits: dict[str, SplitAudit]
    rejected_share: float = Field(ge=0, le=1)
