"""What main may be before a release, and what it becomes again after one that failed."""

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from pipeline.errors import HubError, PipelineError, ReleaseRefused, first_line
from pipeline.hub import Hub, ListedFile
from pipeline.publishing.release_tree import HUBS_OWN, Intent
from pipeline.publishing.staging import Landed, StagedBranch
from pipeline.records import Adoption, Receipt
from pipeline.workspace import digests

_FIRST_README = 1_000  # bytes
_FRONT_MATTER = re.compile(r"---\n[^\n]+(\n[^\n]+)*\n---\s*")


def refuse_stranger(
    hub: Hub,
    repo: str,
    receipts: Sequence[Receipt],
    adopted: Sequence[Adoption],
    head: str,
    standing: dict[str, ListedFile],
) -> None:
    """Refuse a main that this line neither made nor adopted.

    Besides the commits that receipts name, it may hold the newest one's files, or an adopted model's: that is
    how a failed release was taken back.

    Args:
        hub: The Hub.
        repo: The repository.
        receipts: Of what was released to it, oldest first.
        adopted: Of what was adopted from it.
        head: Main's commit.
        standing: Main's files.
    """
    theirs = {path: file.digest for path, file in standing.items() if path not in HUBS_OWN}
    known = {one.commit for one in receipts} | {one.commit for one in adopted}
    if head in known or not theirs or _is_first_readme(hub, repo, head, standing):
        return
    if theirs in [one.files for one in adopted]:
        return
    if receipts and set(theirs) == set(receipts[-1].files):
        with tempfile.TemporaryDirectory() as cache:
            wanted = receipts[-1].files
            folder, _ = hub.download(repo, "model", head, wanted.__contains__, cache=Path(cache))
            if {path: digests.sha256(folder / path) for path in wanted} == wanted:
                return
    raise ReleaseRefused(
        f"main of {repo} is {head[:12]}, which no receipt here names; wanted a commit of this line or an "
        "empty repository. Look at who made it; nothing was overwritten. If your service runs it, take it in "
        f"with `katman adopt {repo}@{head}`"
    )


def _is_first_readme(hub: Hub, repo: str, head: str, standing: dict[str, ListedFile]) -> bool:
    """Return whether main holds nothing but the README that the Hub writes for who names a licence.

    It is front matter without a word behind it.
    """
    if set(standing) - HUBS_OWN != {"README.md"} or standing["README.md"].size > _FIRST_README:
        return False
    with tempfile.TemporaryDirectory() as cache:
        folder, _ = hub.download(repo, "model", head, "README.md".__eq__, cache=Path(cache))
        text = (folder / "README.md").read_bytes().decode("utf-8", errors="replace")
    return _FRONT_MATTER.fullmatch(text) is not None


def refuse_taken(hub: Hub, intent: Intent) -> None:
    """Refuse a version that has a tag already."""
    tags = hub.branches_and_tags(intent.repo, "model")[1]
    if intent.version in tags:
        raise ReleaseRefused(
            f"{intent.repo} has a tag {intent.version} at {tags[intent.version][:12]} already; wanted it "
            "free. Restore the receipts of this line, or remove the tag"
        )


def parent_of(hub: Hub, repo: str, landed: Landed) -> str | None:
    """Return the commit before ours on main: the merge's first parent, not what it merged."""
    merged = hub.pull_request(repo, landed.pull_request).commit if landed.pull_request else None
    history = hub.history(repo)
    place = history.index(landed.commit) if landed.commit in history else len(history)
    return next((commit for commit in history[place + 1 :] if commit != merged), None)


def take_back(hub: Hub, intent: Intent, landed: Landed, parent: str | None, error: PipelineError) -> str:
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
        with tempfile.TemporaryDirectory() as cache:
            former = Intent(
                repo=repo,
                version=intent.version,
                candidate=intent.candidate,
                title=f"Back to {parent[:12]}: {intent.version} did not become what was meant",
                text=first_line(error),
                files=_tree(hub, repo, parent, Path(cache)),
            )
            standing = hub.files(repo, "model", landed.commit)
            commit = StagedBranch(hub, former).commit("main", landed.commit, standing)
        if hub.branches_and_tags(repo, "model")[1].get(intent.version) == landed.commit:
            hub.delete_tag(repo, intent.version)
    except (HubError, OSError) as second:
        return f"{at}, and could not be put back to {str(parent)[:12]}: {first_line(second)}"
    return f"main of {repo} holds the files of {parent[:12]} again, by the new commit {commit[:12]}"


def _tree(hub: Hub, repo: str, commit: str, cache: Path) -> dict[str, Path]:
    """Download every file of a commit, the Hub's own aside."""
    paths = set(hub.files(repo, "model", commit)) - HUBS_OWN
    if not paths:
        return {}
    folder, _ = hub.download(repo, "model", commit, paths.__contains__, cache=cache)
    return {path: folder / path for path in paths}
