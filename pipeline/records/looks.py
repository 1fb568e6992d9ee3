"""`records/looks.json`: every candidate that was ever judged, by the test rows that it was judged on."""

from pydantic import Field

from pipeline.records.record import Part


class Looks(Part):
    """`candidates[test digest]` in the order of judging, refused ones too; appended to, never shortened."""

    candidates: dict[str, tuple[str, ...]] = Field(default_factory=dict)
