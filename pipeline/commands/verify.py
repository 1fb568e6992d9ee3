"""`verify REPO@REV`: is what the Hub gives the release that it says it is?"""

import tempfile
from argparse import ArgumentParser
from pathlib import Path

from pipeline.errors import BrokenChain, Contradicted, InvalidParams
from pipeline.hub import Hub
from pipeline.params import Params
from pipeline.params.release import KeySignature, SigstoreSignature
from pipeline.publishing import provenance, signatures, unsafe_files
from pipeline.publishing.release_tree import HUBS_OWN, SIGNATURE
from pipeline.workspace import digests, receipts


def arguments(parser: ArgumentParser) -> None:
    """Register which release is looked at."""
    parser.add_argument("what", metavar="REPO@REV", help="a tag, branch or commit of a repository")
    parser.epilog = "example:\n  katman verify owner/name@v2"


def run(workspace: Path, params: Params, what: str) -> dict[str, str]:
    """Download a release into an empty cache and check it against its provenance, signature and receipt.

    Args:
        workspace: Its receipts are looked through.
        params: `hub` says where, `release.signature` by whom.
        what: `REPO@REV`: a tag like v2, a branch, or a commit.

    Returns:
        One line per thing that was checked.

    Raises:
        Contradicted: Provenance, signature or receipt speak of other files.
        BrokenChain: There is no provenance, or no signature where `release.signature` asks for one.
        ReleaseRefused: It holds what can run code.
        HubError: The Hub was not reached, or has no such release.
    """
    repo, mark, revision = what.partition("@")
    if not (repo and mark and revision):
        raise InvalidParams(f"{what!r} names no release; wanted REPO@REV, like owner/name@v2")
    hub = Hub(params.hub)
    commit = hub.info(repo, "model", revision).commit
    wanted = set(hub.files(repo, "model", commit)) - HUBS_OWN
    with tempfile.TemporaryDirectory() as cache:
        folder, _ = hub.download(repo, "model", commit, wanted.__contains__, cache=Path(cache))
        files = {path: folder / path for path in sorted(wanted)}
        found = {path: digests.sha256(local) for path, local in files.items()}
        unsafe_files.refuse_unsafe(files)
        predicate = provenance.verify(folder, found)
        said = {"files": f"{len(found)} of {repo} at {commit}, as the Hub lists them; none can run code"}
        inner = predicate["buildDefinition"]["internalParameters"]
        outer = predicate["buildDefinition"].get("externalParameters", {})
        said["provenance"] = f"fits them: {outer.get('version')}, candidate {inner['candidate']}"
        said["signature"] = _signature(folder, params.release.signature)
    said["receipt"] = _receipt(workspace, repo, commit, found, str(inner["candidate"]))
    return said


def summary(said: dict[str, str]) -> str:
    """Return a line per thing that was checked."""
    return "\n".join(f"{name:<18} {what}" for name, what in said.items())


def _signature(folder: Path, how: KeySignature | SigstoreSignature | None) -> str:
    there = (folder / SIGNATURE).is_file()
    if how is None:
        return "there is one; not checked, because release.signature is not set" if there else "none"
    try:
        signatures.verify(folder, how)
    except BrokenChain as error:
        if there:
            raise Contradicted(str(error)) from None
        raise  # a signature that is missing vouches for nothing, and contradicts nothing
    return "is one by release.signature"


def _receipt(workspace: Path, repo: str, commit: str, found: dict[str, str], candidate: str) -> str:
    for receipt in receipts.load_all(workspace):
        if (receipt.repo, receipt.commit) == (repo, commit):
            if receipt.files != found or receipt.candidate != candidate:
                differ = sorted(
                    path
                    for path in receipt.files.keys() | found.keys()
                    if receipt.files.get(path) != found.get(path)
                )
                raise Contradicted(
                    f"the receipt of {receipt.version} names other files: {', '.join(differ) or 'candidate'} "
                    "differ. Do not use what the Hub gives"
                )
            return f"{receipt.kind} {receipt.version} of {receipt.released_at} names the same files"
    return "none here for this commit"
