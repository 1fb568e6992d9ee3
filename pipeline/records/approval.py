"""`approvals/<candidate>.json`: who let a candidate through that no schedule may release, and why."""

from pydantic import Field

from pipeline.records.record import Part


class Approval(Part):
    """A person's yes to one candidate, named by the file: sha256 of its folder."""

    name: str = Field(min_length=1)
    reason: str = Field(min_length=1)
    approved_at: str
