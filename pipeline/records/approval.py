"""`approvals/<candidate>.json`: who let a candidate through that no schedule may release, and why."""

from pydantic import Field

from pipeline.records.record import Document

UNVERIFIED = "unverified name"


class Approval(Document):
    """A person's yes to one candidate, judged under certain values, for the reasons that waited for it.

    Attributes:
        candidate: sha256 of its folder; None, like the next two, in approvals of before they were bound.
        gate: Digest of the section `gate` of params.yaml.
        reasons: Why the candidate waited for a person.
        identity: How `name` is known: fingerprint of the key that signed, or nobody checked it.
        signature: By `ssh-keygen -Y sign` over `statement`; None where nobody asked for one.
    """

    name: str = Field(min_length=1)
    reason: str = Field(min_length=1)
    approved_at: str
    candidate: str | None = None
    gate: str | None = None
    reasons: tuple[str, ...] | None = None
    identity: str = UNVERIFIED
    signature: str | None = None

    def statement(self) -> str:
        """Return the text that is signed: all of the approval but what the signature adds."""
        return self.model_dump_json(indent=2, exclude={"identity", "signature"}) + "\n"
