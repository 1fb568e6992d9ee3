"""What a release says of the workspace's log, and that no release knows more of it than this clone does.

A log that was lost starts again from nothing, and the same test rows could be looked at as often once more.
So each release carries how far the log had grown, and the next one is refused where that is gone.
"""

import tempfile
from contextlib import suppress
from pathlib import Path

from pipeline.errors import Contradicted, ReleaseRefused
from pipeline.hub import Hub
from pipeline.publishing import provenance
from pipeline.publishing.release_tree import PROVENANCE
from pipeline.records import Audit, LogState, Receipt
from pipeline.records.log import EarlierLooks, Entry, Look, Released, total
from pipeline.workspace import log, paths, receipts


def demand(workspace: Path, hub: Hub, repo: str, candidate: str) -> LogState:
    """Make sure that the log holds all that releases know, and return its state at the candidate's look.

    The state is that of the look, whatever was logged since: each try of a release makes the same bytes.

    Args:
        workspace: The folder of the workspace.
        hub: Its newest release says what it knows.
        repo: Where the candidate goes.
        candidate: Its digest; the gate logged its look.

    Raises:
        ReleaseRefused: The log does not hold the candidate's look, or what a release knows of it.
    """
    for said, known in (
        (f"the newest receipt of {repo}", _by_receipt(workspace, repo)),
        (f"{PROVENANCE} on main of {repo}", by_hub(hub, repo)),
    ):
        if known is not None and not covered(workspace, known):
            looks, _ = total(log.entries(workspace))
            raise ReleaseRefused(
                f"{said} knows {known.looks} candidates that were judged, with the log at "
                f"{known.head[:12]}; the log here knows {looks} and does not hold that. Wanted all of them, "
                f"because each look spends. {RECOVERY}"
            )
    entries = log.entries(workspace)
    digest = Audit.load(workspace / paths.RECORDS["audit"]).test_digest
    found = next((name for name, what in _looks(entries, candidate) if what.test_digest == digest), None)
    if found is None:
        raise ReleaseRefused(
            f"the log holds no look of candidate {candidate[:12]} at these test rows; wanted the one that "
            f"the gate wrote. {RECOVERY}, then `dvc repro --force --single-item gate`"
        )
    head = log.came_with(workspace, found)
    looks, spent = total(log.entries(workspace, head))
    return LogState(head=head, looks=looks, alpha_spent=spent)


RECOVERY = (
    "Fetch the log from where it was kept (`katman looks --fetch REMOTE`); if it is lost everywhere, run "
    "`katman looks --lost`"
)


def tell(workspace: Path, receipt: Receipt) -> None:
    """Tell the log what was released, with the look that let it through, unless it knows or holds no look."""
    entries = log.entries(workspace)
    known = (entry.what for entry in entries.values() if isinstance(entry.what, Released))
    looks = [name for name, what in _looks(entries, receipt.candidate) if what.outcome == "passed"]
    if looks and all((one.repo, one.commit) != (receipt.repo, receipt.commit) for one in known):
        log.append(
            workspace,
            Released(
                repo=receipt.repo,
                commit=receipt.commit,
                version=receipt.version,
                candidate=receipt.candidate,
                look=looks[-1],
            ),
        )


def covered(workspace: Path, known: LogState) -> bool:
    """Return whether the log holds what a release knows, or somebody declared that part of it lost."""
    declared = (entry.what for entry in log.entries(workspace).values())
    if any(isinstance(one, EarlierLooks) and known.head in one.heads for one in declared):
        return True
    return log.holds(workspace, known.head) and known.looks <= total(log.entries(workspace))[0]


def by_hub(hub: Hub, repo: str) -> LogState | None:
    """Return what the release on a repository's main knows of the log; None where nothing says it."""
    if not hub.exists(repo, "model"):
        return None
    commit = hub.info(repo, "model").commit
    if PROVENANCE not in hub.files(repo, "model", commit):
        return None
    with tempfile.TemporaryDirectory() as cache, suppress(Contradicted):  # not ours: `publish` refuses it
        folder, _ = hub.download(repo, "model", commit, PROVENANCE.__eq__, cache=Path(cache))
        return provenance.read(folder / PROVENANCE).log
    return None


def _by_receipt(workspace: Path, repo: str) -> LogState | None:
    newest = receipts.latest(workspace, repo)
    return None if newest is None else newest.log


def _looks(entries: dict[str, Entry], candidate: str) -> list[tuple[str, Look]]:
    """Return a candidate's looks with the names of their entries, oldest first."""
    return [
        (name, entry.what)
        for name, entry in entries.items()
        if isinstance(entry.what, Look) and entry.what.candidate == candidate
    ]
