"""The section `release`."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from pipeline.params.section import RepoId, Section


class KeySignature(Section):
    """Signed with an elliptic curve key: PEM files, the private one outside of the workspace.

    Attributes:
        public_key: The private key's own; or several that are valid, as after a change of keys.
    """

    method: Literal["key"]
    private_key: str
    public_key: str | Annotated[tuple[str, ...], Field(min_length=1)]

    @property
    def public_keys(self) -> tuple[str, ...]:
        """The public keys that are valid."""
        return (self.public_key,) if isinstance(self.public_key, str) else self.public_key


class SigstoreSignature(Section):
    """Signed without a key, by whom an OpenID issuer says that you are (sigstore)."""

    method: Literal["sigstore"]
    identity: str
    issuer: str


Signature = Annotated[KeySignature | SigstoreSignature, Field(discriminator="method")]


def _named(value: str) -> str:
    if not value or value.startswith("-") or any(one.isspace() for one in value):
        raise ValueError(f"{value!r} is no name; wanted one without spaces that does not start with `-`")
    return value


Named = Annotated[str, AfterValidator(_named)]


class Backup(Section):
    """Where the log and the releases go besides this machine.

    Attributes:
        git: A git remote, by name or address: it gets the log.
        branch: The branch there that gets the commit of each release.
        dvc: A DVC remote, by name: it gets models and data of each release.
    """

    git: Named
    branch: Named
    dvc: Named


class ReleaseParams(Section):
    """Where a candidate that passed goes."""

    repo: RepoId
    private: bool
    pull_requests: bool
    signature: Signature | None
    backup: Backup | None
