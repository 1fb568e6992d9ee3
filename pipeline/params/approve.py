"""The section `approve`."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

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
    """

    name: Annotated[str, Field(min_length=1)]
    key: Annotated[str, AfterValidator(_is_ssh_key)]


class ApproveParams(Section):
    """Whose yes lets a candidate through that waits for a person; where none are named, anybody's."""

    signers: tuple[Signer, ...]
