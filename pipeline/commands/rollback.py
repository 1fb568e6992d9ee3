"""`rollback --to vN`: an earlier release's files become main again, by a new commit; history stays."""

import tempfile
from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path

from pipeline.embedding import vector_space
from pipeline.errors import BrokenChain, ReleaseRefused
from pipeline.hub import Hub
from pipeline.params import Params
from pipeline.publishing import publish, round_trip, unsafe_files
from pipeline.publishing.release_tree import SIGNATURE, Intent
from pipeline.records import Receipt
from pipeline.workspace import digests, receipts


def arguments(parser: ArgumentParser) -> None:
    """Register which release main goes back to."""
    parser.add_argument("--to", required=True, metavar="VERSION", help="a release of `katman releases`")
    parser.epilog = "example:\n  katman rollback --to v2"


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
    found = {one.version: one for one in receipts.of(workspace, repo)}
    if to not in found:
        raise ReleaseRefused(
            f"{repo} has the releases {', '.join(found) or 'none'}; wanted {to!r} among them"
        )
    target, newest = found[to], receipts.of(workspace, repo)[-1]
    if newest.files == target.files:
        receipts.keep(workspace, newest)
        return newest, f"main holds the files of {to} already, as {newest.version}"
    hub = Hub(params.hub)
    account = hub.writer()
    version = receipts.next_version(workspace, repo)
    with tempfile.TemporaryDirectory() as cache:
        folder, _ = hub.download(repo, "model", target.commit, target.files.__contains__, cache=Path(cache))
        files = {path: folder / path for path in target.files}
        wrong = [
            path
            for path, wanted in target.files.items()
            if not files[path].is_file() or digests.sha256(files[path]) != wanted
        ]
        if wrong:
            raise BrokenChain(
                f"{', '.join(sorted(wrong))} of {repo} at {target.commit[:12]} are not as the receipt of "
                f"{to} says; wanted them equal. Roll back to another release"
            )
        unsafe_files.refuse_unsafe(files)
        intent = Intent(
            repo=repo,
            version=version,
            candidate=target.candidate,
            title=f"{version}: back to {to}, candidate {target.candidate[:12]}",
            text=f"candidate: {target.candidate}\nrestores: {to}, commit {target.commit}",
            files=files,
        )
        published = publish.publish(
            hub,
            intent,
            receipts.of(workspace, repo),
            round_trip.first(
                params.release.signature if SIGNATURE in target.files else None, round_trip.released(target)
            ),
            pull_requests=params.release.pull_requests,
        )
    receipt = target.model_copy(
        update={
            "kind": "rollback",
            "endpoint": hub.endpoint,
            "commit": published.commit,
            "parent": published.parent,
            "version": version,
            "restores": to,
            "pull_request": published.pull_request,
            "probe": published.probe,
            "files": published.files,
            "released_by": account.name,
            "released_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
    )
    receipts.put(workspace, receipt)
    return receipt, vector_space.said(newest, receipt)


def summary(rolled_back: tuple[Receipt, str]) -> str:
    """Return what main holds now, and what that means for stored vectors."""
    receipt, meaning = rolled_back
    done = f"rolled back: {receipt.repo} {receipt.version} at {receipt.commit} ({receipt.released_at})"
    return f"{done}\n{meaning}"
