"""One tree becomes main: staged, verified by download, merged, looked at again, tagged; or main is as it was.

It looks first at what stands on the Hub, and goes on from there: an earlier one may have ended anywhere.
"""

import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pipeline import digests
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
from pipeline.records import Receipt
from pipeline.reencoding import Check, Probe
from pipeline.staging import HUBS_OWN, SIGNATURE, Branch, Intent, Landed, PullRequest


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
        refuse_stranger(hub, intent.repo, receipts, head, standing)
        _refuse_taken(hub, intent)
        landed, verified = _land(hub, stage, intent, check, head, standing)
    parent = _parent(hub, intent.repo, landed)
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
        raise type(error)(f"{error}\n{_take_back(hub, intent, landed, parent, error)}") from None
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
    try:
        commit = stage.prepare(head, standing)
        verified = verify(hub, intent, commit, check)
        now = hub.info(intent.repo, "model").commit
        if now != head:
            raise HubMoved(
                f"main of {intent.repo} is {now[:12]}; wanted {head[:12]}, on which {stage} rests. "
                "Somebody else committed meanwhile: look at it, then run it again"
            )
        return stage.land(commit, head, standing), verified
    except (PipelineError, OSError) as error:
        # A kill leaves it standing, and the next run goes on with it.
        left = f"{stage} is still there, and the next run goes on with it or takes it away"
        with suppress(HubError):
            stage.drop(f"Not released: {first_line(error)}")
            left = f"{stage} was taken away"
        if isinstance(error, OSError):
            raise
        said = "nobody knows whether main moved: run it again, which looks first"
        if not isinstance(error, HubUnreachable):
            said = f"main of {intent.repo} was not touched"
        raise _like(error, f"{error}\n{said}; {left}") from None


def _like(error: PipelineError, message: str) -> PipelineError:
    return type(error)(message)


def refuse_stranger(
    hub: Hub, repo: str, receipts: list[Receipt], head: str, standing: dict[str, Listed]
) -> None:
    """Refuse a main that this line did not make.

    Besides the commits that receipts name, it may hold the newest one's files: that is how a failed release
    was taken back.
    """
    if head in {receipt.commit for receipt in receipts} or set(standing) <= HUBS_OWN:
        return
    if receipts and set(standing) - HUBS_OWN == set(receipts[-1].files):
        with tempfile.TemporaryDirectory() as cache:
            wanted = receipts[-1].files
            folder, _ = hub.download(repo, "model", head, wanted.__contains__, cache=Path(cache))
            if {path: digests.sha256(folder / path) for path in wanted} == wanted:
                return
    raise ReleaseRefused(
        f"main of {repo} is {head[:12]}, which no receipt here names; wanted a commit of this line or an "
        "empty repository. Look at who made it; nothing was overwritten"
    )


def _refuse_taken(hub: Hub, intent: Intent) -> None:
    tags = hub.branches_and_tags(intent.repo, "model")[1]
    if intent.version in tags:
        raise ReleaseRefused(
            f"{intent.repo} has a tag {intent.version} at {tags[intent.version][:12]} already; wanted it "
            "free. Restore the receipts of this line, or remove the tag"
        )


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
        for path, local in intent.files.items():
            if path != SIGNATURE and found[path] != digests.sha256(local):
                raise BrokenChain(
                    f"{path} came back from {intent.repo} at {commit[:12]} with other bytes; do not use it"
                )
        return found, check(folder)


def _parent(hub: Hub, repo: str, landed: Landed) -> str | None:
    """Give the commit before ours on main: the merge's first parent, not what it merged."""
    merged = hub.proposal(repo, landed.pull_request).commit if landed.pull_request else None
    history = hub.history(repo)
    place = history.index(landed.commit) if landed.commit in history else len(history)
    return next((commit for commit in history[place + 1 :] if commit != merged), None)


def _tag(hub: Hub, intent: Intent, commit: str) -> None:
    standing = hub.set_tag(intent.repo, intent.version, commit)
    if standing != commit:
        raise ReleaseRefused(
            f"the tag {intent.version} of {intent.repo} points to {standing[:12]}; wanted {commit[:12]}. "
            "Find out who set it, and remove it"
        )


def _take_back(hub: Hub, intent: Intent, landed: Landed, parent: str | None, error: PipelineError) -> str:
    """Give main the tree of the merge's first parent again, by a new commit; say what came of it."""
    repo = intent.repo
    at = f"main of {repo} stands at {landed.commit[:12]}"
    try:
        head = hub.info(repo, "model").commit
        if head != landed.commit:
            return (
                f"main of {repo} has moved on to {head[:12]}, so nothing was put back: look at who did that"
            )
        if parent is None:
            return f"{at}, and nothing was before it"
        before = {
            path: file for path, file in hub.files(repo, "model", parent).items() if path not in HUBS_OWN
        }
        stale = [path for path in intent.files if path not in before]
        with tempfile.TemporaryDirectory() as cache:
            files = {}
            if before:
                folder, _ = hub.download(repo, "model", parent, before.__contains__, cache=Path(cache))
                files = {path: folder / path for path in before}
            commit = hub.commit(
                repo,
                files,
                delete=stale,
                parent=landed.commit,
                message=f"Back to {parent[:12]}: {first_line(error)}"[:500],
            )
    except (HubError, OSError) as second:
        return f"{at}, and could not be put back to {str(parent)[:12]}: {first_line(second)}"
    return f"main of {repo} holds the files of {parent[:12]} again, by the new commit {commit[:12]}"
