"""`verify REPO@REV`: is what the Hub gives the release that it says it is?"""

import tempfile
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

from pipeline.errors import BrokenChain, Contradicted, HubNotFound, InvalidParams, Unvouched
from pipeline.hub import Hub
from pipeline.params import Params
from pipeline.publishing import provenance, signatures, unsafe_files, vouching
from pipeline.publishing.provenance import Statement
from pipeline.publishing.release_tree import HUBS_OWN, SIGNATURE
from pipeline.publishing.signatures import Identity, PublicKey, Signer
from pipeline.publishing.vouching import Asked, Given, Known
from pipeline.records import Receipt
from pipeline.workspace import digests


def arguments(parser: ArgumentParser) -> None:
    """Register which release is looked at, and whose signature is trusted."""
    parser.add_argument("what", metavar="REPO@REV", help="a tag, branch or commit of a repository")
    parser.add_argument(
        "--key",
        dest="keys",
        action="append",
        type=Path,
        default=[],
        metavar="FILE",
        help="a public key (PEM) whose signature is trusted, in place of release.signature; may be repeated",
    )
    parser.add_argument("--identity", metavar="ID", help="one whose signature is trusted (sigstore)")
    parser.add_argument("--issuer", metavar="URL", help="who says that it is that one")
    parser.epilog = "example:\n  katman verify owner/name@v2 --key owner.pem"


def run(
    workspace: Path,
    params: Params,
    what: str,
    keys: Sequence[Path] = (),
    identity: str | None = None,
    issuer: str | None = None,
) -> dict[str, str]:
    """Download a release into an empty cache, and find what vouches for it: a receipt or a signature.

    Args:
        workspace: Where receipts and the log of that repository may lie.
        params: `hub` says where; `release.signature` who is trusted for `release.repo`, if nobody is named.
        what: `REPO@REV`: a tag like v2, a branch, or a commit.
        keys: Public keys that are trusted.
        identity: One who is trusted, as an issuer names them.
        issuer: Who says so of the identity.

    Returns:
        One line per thing that was looked at.

    Raises:
        Contradicted: Something speaks against it.
        Unvouched: Nothing does, and nothing vouches for it.
        ReleaseRefused: The release holds what can run code.
        InvalidParams: A key cannot be read, or an argument is missing.
        HubError: The Hub was not reached, or has no such release.
    """
    asked = Asked.parse(what)
    trusted = _trusted(params, asked.repo, keys, identity, issuer)
    known = Known.of(workspace, asked.repo)
    hub = Hub(params.hub)
    commit = _commit(hub, asked, known)
    wanted = set(hub.files(asked.repo, "model", commit)) - HUBS_OWN
    with tempfile.TemporaryDirectory() as cache:
        folder, _ = hub.download(asked.repo, "model", commit, wanted.__contains__, cache=Path(cache))
        files = {path: folder / path for path in sorted(wanted)}
        given = Given(commit, {path: digests.sha256(local) for path, local in files.items()})
        receipt = vouching.receipt_of(asked, given, known)
        statement = _statement(folder, asked, given, receipt, known)
        version = receipt.version if receipt else statement.version if statement else None
        vouching.refuse_older(asked, given, version, known, params.live.tag)
        signer, signed = _signer(folder, given, trusted, receipt)
        unsafe_files.refuse_unsafe(files)
    if receipt is None and (signer is None or statement is None):
        raise Unvouched(_unvouched(workspace, asked, given, statement, signed))
    said = {
        "files": f"{len(files)} of {asked.repo} at {commit}, as the Hub lists them; none can run code",
        "version": str(version),
    }
    if asked.revision in {"main", params.live.tag}:
        stood = known.stood(asked.revision, params.live.tag)
        said["latest"] = (
            f"{stood.version} at {stood.commit}: {stood.by}"
            if stood is not None
            else "not known here: a Hub that went back to an older release would not be seen"
        )
    return said | {
        "provenance": _said(statement),
        "signature": signed,
        "receipt": f"{receipt.kind} {receipt.version} of {receipt.released_at} names the same files"
        if receipt is not None
        else "none here",
    }


def summary(said: dict[str, str]) -> str:
    """Return a line per thing that was looked at."""
    return "\n".join(f"{name:<18} {what}" for name, what in said.items())


def _trusted(
    params: Params, repo: str, keys: Sequence[Path], identity: str | None, issuer: str | None
) -> tuple[Signer, ...]:
    """Return whose signature is trusted: those named, else whom the workspace names for its own releases."""
    named: list[Signer] = [PublicKey(path) for path in keys]
    if identity is not None and issuer is not None:
        named.append(Identity(identity, issuer))
    elif identity is not None or issuer is not None:
        raise InvalidParams(
            f"--identity is {identity} and --issuer is {issuer}; wanted both, because a name says nothing "
            "without who gave it"
        )
    how = params.release.signature
    return tuple(named) or (signatures.signers(how) if how and repo == params.release.repo else ())


def _commit(hub: Hub, asked: Asked, known: Known) -> str:
    try:
        return hub.info(asked.repo, "model", asked.revision).commit
    except HubNotFound:
        if hub.exists(asked.repo, "model"):
            vouching.refuse_missing(asked, known)
        raise


def _statement(
    folder: Path, asked: Asked, given: Given, receipt: Receipt | None, known: Known
) -> Statement | None:
    """Return what the release says of itself: nothing against the bytes, where a receipt vouches for them."""
    try:
        statement = provenance.verify(folder, given.files)
        if statement is not None and receipt is None:
            vouching.refuse_claim(asked, given, statement, known)
    except Contradicted:
        if receipt is None:
            raise
        return None
    return statement


def _signer(
    folder: Path, given: Given, trusted: Sequence[Signer], receipt: Receipt | None
) -> tuple[Signer | None, str]:
    """Return who has signed the files, and a line about it."""
    if SIGNATURE not in given.files:
        return None, "none"
    if not trusted:
        return None, "there is one; not checked, because nobody is trusted here: give --key or --identity"
    try:
        signer = signatures.verify(folder, trusted)
    except BrokenChain as error:
        if receipt is None:
            raise Contradicted(str(error)) from None
        return None, "by nobody who is trusted here; the receipt vouches for the files without it"
    return signer, f"by {signer}, over all files"


def _said(statement: Statement | None) -> str:
    if statement is None:
        return "none that can be read"
    said = f"{statement.version} of {statement.repository}, candidate {statement.candidate}"
    if statement.previous is not None:
        said += f", after the release at {statement.previous}"
    if statement.log is not None:
        said += (
            f"; log {statement.log.head}: {statement.log.looks} looks, alpha {statement.log.alpha_spent:.4g}"
        )
    return said


def _unvouched(workspace: Path, asked: Asked, given: Given, statement: Statement | None, signed: str) -> str:
    claim = f"says of itself that it is {statement.version!r}" if statement else "has no provenance.json"
    if SIGNATURE in given.files:
        wanted = (
            "Wanted one of the two: run it in the workspace that released it, with its newest commits, or "
            "give --key FILE, the public key of whoever releases it (--identity and --issuer, where they "
            "sign by sigstore)"
        )
    else:
        wanted = (
            "Wanted a receipt: run it in the workspace that released it, with its newest commits. A key "
            f"is of no use where no {SIGNATURE} is among the files"
        )
    return (
        f"nothing vouches for {asked}, at {given.commit}, which {claim}. Receipt: none of it in "
        f"{workspace / 'receipts'}. Signature: {signed}. {wanted}"
    )
