"""OpenSSF model signatures over a release's files, where a key or an identity is configured.

`model-signing` is an extra of the package, which the lock has: only who signs needs it.
"""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import BrokenChain, InvalidParams, InvalidWorkspace, first_line
from pipeline.params.release import KeySignature, SigstoreSignature
from pipeline.publishing.release_tree import SIGNATURE

INSTALL = "pip install 'model-signing>=1.1' pyopenssl"


@dataclass(frozen=True)
class PublicKey:
    """One who signs, known by a PEM file."""

    path: Path

    def __str__(self) -> str:
        """Return the signer's name in a message."""
        return f"the key {self.path}"


@dataclass(frozen=True)
class Identity:
    """One who signs, known by what an OpenID issuer says (sigstore)."""

    identity: str
    issuer: str

    def __str__(self) -> str:
        """Return the signer's name in a message."""
        return f"{self.identity}, as {self.issuer} knows them"


Signer = PublicKey | Identity


def signers(how: KeySignature | SigstoreSignature) -> tuple[Signer, ...]:
    """Return who is trusted, where a workspace signs like this."""
    if isinstance(how, SigstoreSignature):
        return (Identity(how.identity, how.issuer),)
    return tuple(PublicKey(Path(path).expanduser()) for path in how.public_keys)


def installed() -> str:
    """Return that signatures can be made here, as a line for `check`.

    Raises:
        InvalidWorkspace: model-signing is not installed.
    """
    _library("signing")
    return "model-signing is installed"


def sign(folder: Path, how: KeySignature | SigstoreSignature) -> Path:
    """Sign every file of a folder; the signature becomes one of them.

    Raises:
        InvalidWorkspace: model-signing is not installed.
        InvalidParams: The key or the identity cannot be used.
    """
    signing = _library("signing")
    path = folder / SIGNATURE
    config = signing.Config().set_hashing_config(_hashing())
    try:
        if isinstance(how, KeySignature):
            config.use_elliptic_key_signer(private_key=Path(how.private_key).expanduser())
        else:
            config.use_sigstore_signer(use_ambient_credentials=True)
        config.sign(folder, path)
    except Exception as error:  # the library and those below it raise whatever they like
        raise InvalidParams(
            f"release.signature cannot sign: {first_line(error)}. Wanted a private key (PEM, elliptic curve, "
            "no password), or an identity that the environment gives"
        ) from None
    return path


def verify(folder: Path, trusted: Sequence[Signer]) -> Signer:
    """Find who of those that are trusted has signed every file of a folder that came back.

    Raises:
        InvalidWorkspace: model-signing is not installed, or cannot do what it needs here.
        InvalidParams: A key cannot be read.
        BrokenChain: There is no signature, or it is not one of these files by anybody who is trusted.
    """
    verifiers = {signer: _verifier(signer) for signer in trusted}
    if not (folder / SIGNATURE).is_file():
        raise BrokenChain(f"there is no {SIGNATURE}; wanted one by {', or '.join(map(str, trusted))}")
    faults = []
    for signer, verifier in verifiers.items():
        try:
            verifier.verify(folder, folder / SIGNATURE)
            return signer
        except Exception as error:  # the library and those below it raise whatever they like
            faults.append(f"{signer}: {first_line(error)}")
    raise BrokenChain(
        "\n  ".join([f"{SIGNATURE} is no signature of these files by anybody who is trusted:", *faults])
        + "\nDo not use them. If the key was changed since, name the one that was valid then, too"
    )


def _verifier(signer: Signer) -> Any:
    verifier = _library("verifying").Config().set_hashing_config(_hashing())
    if isinstance(signer, PublicKey):
        try:
            return verifier.use_elliptic_key_verifier(public_key=signer.path)
        except Exception as error:  # see above
            raise InvalidParams(
                f"{signer} cannot be used: {first_line(error)}. Wanted a public key (PEM, elliptic curve)"
            ) from None
    try:
        return verifier.use_sigstore_verifier(identity=signer.identity, oidc_issuer=signer.issuer)
    except Exception as error:  # see above
        raise InvalidWorkspace(
            f"signatures by {signer} cannot be checked here: {first_line(error)}. Wanted sigstore's own "
            "keys, which come over the internet; run it where that can be reached"
        ) from None


def _hashing() -> Any:
    # The client's cache holds links to the files.
    hashing = _library("hashing").Config().set_ignored_paths(paths=[SIGNATURE], ignore_git_paths=True)
    return hashing.set_allow_symlinks(True)


def _library(part: str) -> Any:
    try:
        return importlib.import_module(f"model_signing.{part}")
    except ImportError as error:
        raise InvalidWorkspace(
            f"a signature is asked for and model-signing cannot be imported ({first_line(error)}); wanted it "
            f"installed. Run `{INSTALL}`, or ask for no signature (release.signature: null, no --key)"
        ) from None
