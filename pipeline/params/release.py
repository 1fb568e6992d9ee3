"""The section `release`."""

from typing import Annotated, Literal

from pydantic import Field

from pipeline.params.section import RepoId, Section


class KeySignature(Section):
    """Signed with an elliptic curve key: PEM files, the private one outside of the workspace."""

    method: Literal["key"]
    private_key: str
    public_key: str


class SigstoreSignature(Section):
    """Signed without a key, by whom an OpenID issuer says that you are (sigstore)."""

    method: Literal["sigstore"]
    identity: str
    issuer: str


Signature = Annotated[KeySignature | SigstoreSignature, Field(discriminator="method")]


class ReleaseParams(Section):
    """Where a candidate that passed goes."""

    repo: RepoId
    private: bool
    pull_requests: bool
    signature: Signature | None
