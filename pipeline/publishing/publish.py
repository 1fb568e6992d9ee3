"""One tree becomes main: staged, verified by download, merged, looked at again, tagged; or main is as it was.

It looks first at what stands on the Hub, and goes on from there: an earlier one may have ended anywhere.
"""

import tempfile
from contextlib import suppress
from dataclasses import dataclass
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
from pipeline.hub import Hub, Listed
from pipeline.publishing import main_branch
from pipeline.publishing.release_tree import SIGNATURE, Intent
from pipeline.publishing.round_trip import Check, Probe
from pipeline.publishing.staging import Branch, Landed, PullRequest
from pipeline.records import Receipt
from pipeline.workspace import digests


@dataclass(frozen=True)
class Published:
    """What stands on main now.

    Attributes:
        commit: Main's.
        parent: The commit before it on main.
        pull_request: The one that was merged; None where there was none.
        files: sha256 by path, of what came back.
        probe: What the model that came back makes of the fixed texts.
    """

    commit: str
    parent: str | None
    pull_request: int | None
    files: dict[str, str]
    probe: Probe


def publish(
    hub: Hub, intent: Intent, receipts: list[Receipt], check: Check, *, pull_requests: bool
) -> Published:
    """Make a tree main, with a tag.

    Args:
        hub: The Hub, for a token that may write.
        intent: The tree.
        receipts: Those of this repository, oldest first: main must stand at one of them.
        check: Loads what came back, and refuses what is not the model that is meant.
        pull_requests: Stage in a pull request; else on a branch.

    Raises:
        PipelineError: Main is as it was before, or says in its message what it is.
    """
    stage = PullRequest(hub, intent) if pull_requests else Branch(hub, intent)
    head = hub.info(intent.repo, "model").commit
    standing = hub.files(intent.repo, "model", head)
    if intent.is_tree(standing):
        landed = stage.landed(head)  # an earlier one was cut off behind its merge
        verified = None
    else:
        main_branch.refuse_stranger(hub, intent.repo, receipts, head, standing)
        main_branch.refuse_taken(hub, intent)
        landed, verified = _land(hub, stage, intent, check, head, standing)
    try:
        return _finish(hub, stage, intent, check, landed, verified)
    except HubMoved:
        raise
    except HubError as error:
        raise type(error)(
            f"{error}\n{intent.version} is main of {intent.repo} at {landed.commit[:12]}, and not finished: "
            "run it again, which goes on from there"
        ) from None


def _finish(
    hub: Hub,
    stage: PullRequest | Branch,
    intent: Intent,
    check: Check,
    landed: Landed,
    verified: tuple[dict[str, str], Probe] | None,
) -> Published:
    """Look at what landed, tag it, and take away what was staged; or give main its former files back."""
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
        files, probe = verified or verify(hub, intent, landed.commit, check)
        _tag(hub, intent, landed.commit)
    except (BrokenChain, ReleaseRefused, InvalidData) as error:
        raise type(error)(f"{error}\n{main_branch.take_back(hub, intent, landed, parent, error)}") from None
    stage.clear()
    return Published(landed.commit, parent, landed.pull_request, files, probe)


def _land(
    hub: Hub,
    stage: PullRequest | Branch,
    intent: Intent,
    check: Check,
    head: str,
    standing: dict[str, Listed],
) -> tuple[Landed, tuple[dict[str, str], Probe]]:
    """Stage, verify, and merge; where that fails, main is untouched and what was staged is taken away."""
    asked = False
    try:
        commit = stage.prepare(head, standing)
        verified = verify(hub, intent, commit, check)
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


def verify(hub: Hub, intent: Intent, commit: str, check: Check) -> tuple[dict[str, str], Probe]:
    """Compare the Hub's tree, and a download into an empty cache, with the files that are meant; load it.

    Returns:
        sha256 by path of what came back, and what the model makes of the fixed texts.
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
        return found, check(folder)


def _tag(hub: Hub, intent: Intent, commit: str) -> None:
    standing = hub.set_tag(intent.repo, intent.version, commit)
    if standing != commit:
        raise ReleaseRefused(
            f"the tag {intent.version} of {intent.repo} points to {standing[:12]}; wanted {commit[:12]}. "
            "Find out who set it, and remove it"
        )
