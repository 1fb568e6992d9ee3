"""OpenSSF model signatures over a release's files, where a key or an identity is configured.

`model-signing` is an extra of the package, which the lock has: only who signs needs it.
"""

import importlib
from pathlib import Path
from typing import Any

from pipeline.errors import BrokenChain, InvalidParams, InvalidWorkspace, first_line
from pipeline.params.release import KeySignature, SigstoreSignature
from pipeline.publishing.release_tree import SIGNATURE

INSTALL = "pip install 'model-signing>=1.1' pyopenssl"


def installed() -> str:
    """Say that signatures can be made here.

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


def verify(folder: Path, how: KeySignature | SigstoreSignature) -> None:
    """Check the signature of a folder that came back.

    Raises:
        InvalidWorkspace: model-signing is not installed.
        BrokenChain: There is no signature, or it is not one of these files by this key or identity.
    """
    verifying = _library("verifying")
    if not (folder / SIGNATURE).is_file():
        raise BrokenChain(f"there is no {SIGNATURE}; wanted one, because release.signature is set")
    config = verifying.Config().set_hashing_config(_hashing())
    try:
        if isinstance(how, KeySignature):
            config.use_elliptic_key_verifier(public_key=Path(how.public_key).expanduser())
        else:
            config.use_sigstore_verifier(identity=how.identity, oidc_issuer=how.issuer)
        config.verify(folder, folder / SIGNATURE)
    except Exception as error:  # the library and those below it raise whatever they like
        raise BrokenChain(
            f"{SIGNATURE} is no signature of these files by release.signature: {first_line(error)}. "
            "Do not use them"
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
            f"release.signature is set and model-signing cannot be imported ({first_line(error)}); wanted it "
            f"installed. Run `{INSTALL}`, or set release.signature to null"
        ) from None
