"""The section `approve`."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from pipeline.params.section import Section


def _is_ssh_key(value: str) -> str:
    kind = r"(ssh|ecdsa|sk-ssh|sk-ecdsa)-[a-z0-9@.-]+"
    # Four letters of base64 are three bytes; what follows the key is a comment.
    if not re.fullmatch(rf"{kind} ([A-Za-z0-9+/=]{{4}})+( [^\n\r]*)?", value):
        raise ValueError(
            f"{value[:40]!r} is no public key of ssh; wanted the line of a .pub file, `ssh-ed25519 AAAA…`"
        )
    return value


class Signer(Section):
    """A person whose approvals count, by the signature of a key.

    Attributes:
        name: What `katman approve --name` says; one with several keys stands here several times.
        key: The line of the public key's file.
        email: As git has it, to tell whose commits are the person's own; None where the name is git's too.
    """

    name: Annotated[str, Field(min_length=1)]
    key: Annotated[str, AfterValidator(_is_ssh_key)]
    email: str | None = None


Policy = Literal["auto", "human", "human-if"]


class ApproveParams(Section):
    """Which candidates wait for a person, and whose yes lets them through.

    Attributes:
        policy: `human`: each candidate waits; `human-if`: one with a reason, see
            `pipeline.workspace.approvals.reasons`; `auto`: only what was rolled back from, or made by a
            change of code alone.
        narrow: Under `human-if`, a check that passed by less than this is such a reason; 0: none is.
        wait_days: A run rejects a candidate that has waited for longer; null: none does.
        other_than_committer: Whoever committed code or params.yaml since the last release cannot approve.
        signers: By whose signatures; where none are named, anybody's name does.
    """

    policy: Policy
    narrow: Annotated[float, Field(ge=0, le=1)]
    wait_days: Annotated[float, Field(ge=0)] | None
    other_than_committer: bool
    signers: tuple[Signer, ...]

    @model_validator(mode="after")
    def _known_by_more_than_a_name(self) -> "ApproveParams":
        if self.other_than_committer and not self.signers:
            raise ValueError(
                "approve.other_than_committer is true and approve.signers names nobody; wanted the keys "
                "whose signatures count, because a name that is only said can be anybody's. Enter them, or "
                "set it to false"
            )
        return self
