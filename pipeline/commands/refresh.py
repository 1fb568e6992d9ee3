"""`refresh`: the one step that follows heads; it writes newer revisions into params.yaml."""

from pathlib import Path

from pipeline.errors import HubNotFound
from pipeline.hub import Hub
from pipeline.params import Params, load
from pipeline.params.rewrite import rewrite
from pipeline.workspace import paths, receipts
from pipeline.workspace.files import write_text


def run(workspace: Path, params: Params) -> dict[str, str]:
    """Move the data set to its branch's head, live to its tag's commit, and the anchor to the best release.

    Which one is the best so far stands in the newest receipt. Live and anchor move only when something else
    moved since the last release (data, parameters or recipe): else an unchanged workspace would judge its own
    release against itself. A live model whose commit is gone from the Hub is replaced in any case.

    Returns:
        The dotted keys that were set, with their new values; empty where nothing moved.

    Raises:
        HubError: The Hub was not reached, or has no such branch.
    """
    hub = Hub(params.hub)
    head = hub.info(params.dataset.repo, "dataset", params.dataset.branch).commit
    live, gone = None, False
    if hub.exists(params.live.repo, "model"):
        live = hub.branches_and_tags(params.live.repo, "model")[1].get(params.live.tag)
        gone = params.live.revision is not None and not _stands(hub, params.live.repo, params.live.revision)
    newest = receipts.latest_release(workspace, params.release.repo)
    unchanged = (
        newest is not None
        and head == params.dataset.revision == newest.dataset.revision
        and receipts.recipe(params) == newest.recipe
    )
    standing = receipts.latest(workspace, params.live.repo)
    anchor = standing.anchor if standing else None
    values = {}
    if head != params.dataset.revision:
        values["dataset.revision"] = head
    if live is not None and live != params.live.revision and (gone or not unchanged):
        values["live.revision"] = live
    if anchor is not None and anchor != params.anchor.revision and not unchanged:
        values["anchor.revision"] = anchor
    if values:
        path = workspace / paths.PARAMS
        write_text(path, rewrite(path, values))
        load(workspace)  # what was written can be read
    return values


def summary(moved: dict[str, str]) -> str:
    """Return a line per key that was set in params.yaml."""
    return "\n".join(f"{key:<18} {value}" for key, value in moved.items()) or "nothing moved"


def _stands(hub: Hub, repo: str, commit: str) -> bool:
    try:
        hub.info(repo, "model", commit)
    except HubNotFound:
        return False
    return True
