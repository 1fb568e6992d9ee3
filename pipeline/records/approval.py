"""What persons decided of candidates, in `approvals/`: who let one through or rejected it, and why."""

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


class Rejection(Document):
    """A no to one candidate that the gate let pass: it is not released until somebody approves it after all.

    Attributes:
        candidate: sha256 of its folder.
        name: Who said no, which nobody checks: a no lets nothing out. `katman` where nobody decided in time.
    """

    candidate: str
    name: str = Field(min_length=1)
    reason: str = Field(min_length=1)
    rejected_at: str


class Waiting(Document):
    """A candidate that a run put up for a person's decision.

    Attributes:
        candidate: sha256 of its folder.
        version: The one that its release will bear.
        since: UTC, ISO 8601.
    """

    candidate: str
    version: str
    since: str
