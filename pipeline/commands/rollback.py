"""`rollback --to vN`: an earlier release's files become main again, by a new commit; history stays."""

import logging
import tempfile
from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path

from pipeline.embedding import vector_space
from pipeline.errors import BrokenChain, InvalidParams, ReleaseRefused
from pipeline.hub import Hub
from pipeline.params import Params, load
from pipeline.params.document import check, parse_yaml
from pipeline.params.release import KeySignature, SigstoreSignature
from pipeline.publishing import provenance, publish, release_tree, round_trip, signatures, unsafe_files
from pipeline.publishing.release_tree import PROVENANCE, SIGNATURE
from pipeline.records import Receipt
from pipeline.workspace import backup, digests, git, live, paths, receipts

_LOG = logging.getLogger(__name__)


def arguments(parser: ArgumentParser) -> None:
    """Register which release main goes back to."""
    parser.add_argument("--to", required=True, metavar="VERSION", help="a release of `katman releases`")
    parser.epilog = "example:\n  katman rollback --to v2"


def usable_params(workspace: Path) -> Params:
    """Return params.yaml as of the last commit in which it can be used: a rollback is for bad times.

    Raises:
        InvalidParams: There is no such commit.
    """
    path = workspace / paths.PARAMS
    for content in reversed(git.states(workspace, paths.PARAMS)):
        try:
            found = check(parse_yaml(content.decode("utf-8", errors="replace"), path), path, "")
        except InvalidParams:
            continue
        _LOG.warning(
            "%s cannot be used; the rollback takes it as of the last commit in which it could be", path
        )
        return found
    return load(workspace)


def run(workspace: Path, params: Params, to: str) -> tuple[Receipt, str]:
    """Put a release's files back on main, as the next version.

    What was released after it is not released again by itself: that asks for an approval.

    Returns:
        The receipt, and what this means for stored vectors.

    Raises:
        ReleaseRefused: There is no such release, main holds it already, or main holds a stranger's commit.
        BrokenChain: The Hub does not give the files that the release's receipt names.
        HubError: The Hub was not reached, or refused.
    """
    repo = params.release.repo
    target, newest = _target(workspace, repo, to)
    if _without_claims(newest) == _without_claims(target):
        receipts.commit(workspace, newest)
        return newest, f"main holds the files of {to} already, as {newest.version}"
    hub = Hub(params.hub)
    account = hub.writer(params.release.repo)
    version = receipts.next_version(workspace, repo)
    with tempfile.TemporaryDirectory() as cache, tempfile.TemporaryDirectory() as scratch:
        files = _download(hub, target, Path(cache))
        unsafe_files.refuse_unsafe(files)
        intent = release_tree.intend(
            repo,
            version,
            target.candidate,
            _claim(files, target, newest, version, params.release.signature, Path(scratch)),
            [f"restores: {to}, commit {target.commit}"],
            restores=to,
        )
        published = publish.publish(
            workspace, params.release, hub, account, intent, round_trip.against_receipt(target)
        )
    receipt = target.model_copy(
        update={**vars(published), "kind": "rollback", "restores": to, "log": newest.log}
    )
    receipts.save(workspace, receipt)
    for warning in backup.keep(workspace, params, receipt):
        _LOG.warning("%s", warning)
    return receipt, vector_space.explain(newest, receipt)


def summary(rolled_back: tuple[Receipt, str]) -> str:
    """Return what main holds now, and what that means for stored vectors."""
    receipt, meaning = rolled_back
    done = f"rolled back: {receipt.repo} {receipt.version} at {receipt.commit} ({receipt.released_at})"
    return f"{done}\n{meaning}\n{live.once_it_runs(receipt)}"


def _target(workspace: Path, repo: str, version: str) -> tuple[Receipt, Receipt]:
    """Return the receipt of the release that shall come back, and the newest receipt."""
    found = {one.version: one for one in receipts.for_repo(workspace, repo)}
    if version not in found:
        raise ReleaseRefused(
            f"{repo} has the releases {', '.join(found) or 'none'}; wanted {version!r} among them"
        )
    return found[version], list(found.values())[-1]


def _download(hub: Hub, target: Receipt, cache: Path) -> dict[str, Path]:
    """Download the files that a receipt names, and compare each with it."""
    folder, _ = hub.download(target.repo, "model", target.commit, target.files.__contains__, cache=cache)
    files = {path: folder / path for path in target.files}
    wrong = [
        path
        for path, wanted in target.files.items()
        if not files[path].is_file() or digests.sha256(files[path]) != wanted
    ]
    if wrong:
        raise BrokenChain(
            f"{', '.join(sorted(wrong))} of {target.repo} at {target.commit[:12]} are not as the receipt of "
            f"{target.version} says; wanted them equal. Roll back to another release"
        )
    return files


def _without_claims(receipt: Receipt) -> dict[str, str]:
    """Return the files of a release but those that say which version they are."""
    return {path: digest for path, digest in receipt.files.items() if path not in {PROVENANCE, SIGNATURE}}


def _claim(
    files: Mapping[str, Path],
    target: Receipt,
    newest: Receipt,
    version: str,
    how: KeySignature | SigstoreSignature | None,
    scratch: Path,
) -> dict[str, Path]:
    """Return the files with a statement and, where one is wanted, a signature of the version they become.

    Under the earlier ones nobody outside could tell a rollback from somebody who moved a tag.
    """
    tree = {path: file for path, file in files.items() if path != SIGNATURE}
    if PROVENANCE in tree:
        tree[PROVENANCE] = provenance.rewrite(
            tree[PROVENANCE],
            scratch / PROVENANCE,
            repo=target.repo,
            version=version,
            restores=target.version,
            previous=newest.commit,
            log=newest.log,
        )
    if how is not None:
        tree[SIGNATURE] = signatures.sign(release_tree.assemble(scratch / "signed", tree), how)
    return tree
