"""One tree becomes main: staged, verified by download, merged, looked at again, tagged; or main is as it was.

It looks first at what stands on the Hub, and goes on from there: an earlier one may have ended anywhere.
"""

import tempfile
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pipeline.errors import (
    BrokenChain,
    HubError,
    HubMoved,
    HubUnreachable,
    InvalidData,
    PipelineError,
    ReleaseRefused,
    first_line,
)
from pipeline.hub import Account, Hub, ListedFile
from pipeline.params.release import ReleaseParams
from pipeline.publishing import main_branch
from pipeline.publishing.release_tree import SIGNATURE, Intent
from pipeline.publishing.round_trip import Fingerprint, RoundTrip, with_signature
from pipeline.publishing.staging import Landed, StagedBranch, StagedPullRequest
from pipeline.workspace import digests, receipts


@dataclass(frozen=True)
class Verified:
    """What came back of a commit.

    Attributes:
        files: sha256 by path.
        probe: What the model among them makes of the fixed texts.
    """

    files: dict[str, str]
    probe: Fingerprint


@dataclass(frozen=True)
class Published:
    """What stands on main now: each field is the one of that name in the receipt."""

    endpoint: str
    repo: str
    version: str
    candidate: str
    commit: str
    parent: str | None
    pull_request: int | None
    files: dict[str, str]
    probe: Fingerprint
    released_by: str
    released_at: str


def publish(
    workspace: Path,
    params: ReleaseParams,
    hub: Hub,
    account: Account,
    intent: Intent,
    round_trip: RoundTrip,
) -> Published:
    """Make a tree main, with a tag.

    Args:
        workspace: The folder whose receipts say where main may stand.
        params: How it is staged, and whose signature it must bear where it bears one.
        hub: The Hub.
        account: Whose token it is, which may write.
        intent: The tree.
        round_trip: Loads what came back, and refuses what is not the model that is meant.

    Raises:
        PipelineError: Main is as it was before, or says in its message what it is.
    """
    round_trip = with_signature(params.signature if SIGNATURE in intent.files else None, round_trip)
    stage = StagedPullRequest(hub, intent) if params.pull_requests else StagedBranch(hub, intent)
    head = hub.info(intent.repo, "model").commit
    standing = hub.files(intent.repo, "model", head)
    if intent.is_tree(standing):
        landed = stage.landed(head)  # an earlier one was cut off behind its merge
        verified = None
    else:
        earlier = receipts.for_repo(workspace, intent.repo)
        adopted = [one for one in receipts.adoptions(workspace) if one.repo == intent.repo]
        main_branch.refuse_stranger(hub, intent.repo, earlier, adopted, head, standing)
        main_branch.refuse_taken(hub, intent)
        landed, verified = _land(hub, stage, intent, round_trip, head, standing)
    try:
        parent, verified = _finish(hub, stage, intent, round_trip, landed, verified)
    except HubMoved:
        raise
    except HubError as error:
        raise type(error)(
            f"{error}\n{intent.version} is main of {intent.repo} at {landed.commit[:12]}, and not finished: "
            "run it again, which goes on from there"
        ) from None
    return Published(
        endpoint=hub.endpoint,
        repo=intent.repo,
        version=intent.version,
        candidate=intent.candidate,
        commit=landed.commit,
        parent=parent,
        pull_request=landed.pull_request,
        files=verified.files,
        probe=verified.probe,
        released_by=account.name,
        released_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _finish(
    hub: Hub,
    stage: StagedPullRequest | StagedBranch,
    intent: Intent,
    round_trip: RoundTrip,
    landed: Landed,
    verified: Verified | None,
) -> tuple[str | None, Verified]:
    """Look at what landed, tag it, and take away what was staged; or give main its former files back.

    Returns:
        The commit before it on main, and what came back of it.
    """
    parent = main_branch.parent_of(hub, intent.repo, landed)
    try:
        if not intent.is_tree(hub.files(intent.repo, "model", landed.commit)):
            raise BrokenChain(
                f"main of {intent.repo} at {landed.commit[:12]} is not the tree that was verified"
            )
        now = hub.info(intent.repo, "model").commit
        if now != landed.commit:
            raise HubMoved(
                f"somebody committed {now[:12]} to main of {intent.repo} on top of {landed.commit[:12]}, "
                f"which holds {intent.version}; nothing was put back. Look at who did that"
            )
        verified = verified or verify(hub, intent, landed.commit, round_trip)
        _tag(hub, intent, landed.commit)
    except (BrokenChain, ReleaseRefused, InvalidData) as error:
        raise type(error)(f"{error}\n{main_branch.take_back(hub, intent, landed, parent, error)}") from None
    stage.clear()
    return parent, verified


def _land(
    hub: Hub,
    stage: StagedPullRequest | StagedBranch,
    intent: Intent,
    round_trip: RoundTrip,
    head: str,
    standing: dict[str, ListedFile],
) -> tuple[Landed, Verified]:
    """Stage, verify, and merge; where that fails, main is untouched and what was staged is taken away."""
    asked = False
    try:
        commit = stage.prepare(head, standing)
        verified = verify(hub, intent, commit, round_trip)
        now = hub.info(intent.repo, "model").commit
        if now != head:
            raise HubMoved(
                f"main of {intent.repo} is {now[:12]}; wanted {head[:12]}, on which {stage} rests. "
                "Somebody else committed meanwhile: look at it, then run it again"
            )
        asked = True
        return stage.land(commit, head, standing), verified
    except (PipelineError, OSError) as error:
        # A kill leaves it standing, and the next run goes on with it.
        left = f"{stage} is still there, and the next run goes on with it or takes it away"
        with suppress(HubError):
            stage.drop(f"Not released: {first_line(error)}")
            left = f"{stage} was taken away"
        if isinstance(error, OSError):
            raise
        said = f"main of {intent.repo} was not touched"
        if asked and isinstance(error, HubUnreachable):
            said = "nobody knows whether main moved: run it again, which looks first"
        raise type(error)(f"{error}\n{said}; {left}") from None


def verify(hub: Hub, intent: Intent, commit: str, round_trip: RoundTrip) -> Verified:
    """Compare the Hub's tree, and a download into an empty cache, with the files that are meant; load them.

    Raises:
        BrokenChain: The tree, a file or the model is another one.
    """
    if not intent.is_tree(hub.files(intent.repo, "model", commit)):
        raise BrokenChain(f"commit {commit} of {intent.repo} is not the tree that was sent")
    with tempfile.TemporaryDirectory() as cache:
        folder, _ = hub.download(intent.repo, "model", commit, intent.files.__contains__, cache=Path(cache))
        found = {path: digests.sha256(folder / path) for path in sorted(intent.files)}
        for path in intent.files:
            if path != SIGNATURE and f"sha256:{found[path]}" != intent.digest(path, "sha256:"):
                raise BrokenChain(
                    f"{path} came back from {intent.repo} at {commit[:12]} with other bytes; do not use it"
                )
        return Verified(found, round_trip(folder))


def _tag(hub: Hub, intent: Intent, commit: str) -> None:
    standing = hub.set_tag(intent.repo, intent.version, commit)
    if standing != commit:
        raise ReleaseRefused(
            f"the tag {intent.version} of {intent.repo} points to {standing[:12]}; wanted {commit[:12]}. "
            "Find out who set it, and remove it"
        )
