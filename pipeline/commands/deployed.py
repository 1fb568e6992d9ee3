"""`deployed vN`: say which release the user's service runs, by moving the tag that `live` follows."""

from argparse import ArgumentParser
from pathlib import Path

from pipeline.errors import ReleaseRefused
from pipeline.hub import Hub
from pipeline.params import Params
from pipeline.workspace import receipts


def arguments(parser: ArgumentParser) -> None:
    """Register which release the service runs."""
    parser.add_argument("version", help="a release of `katman releases`")
    parser.epilog = "example:\n  katman deployed v2"


def run(workspace: Path, params: Params, version: str) -> str:
    """Point `live.tag` at a release.

    Returns:
        The commit that the tag points to now.

    Raises:
        ReleaseRefused: There is no such release, or its tag points elsewhere.
    """
    found = {one.version: one for one in receipts.load_all(workspace) if one.repo == params.live.repo}
    if version not in found:
        raise ReleaseRefused(
            f"{params.live.repo} has the releases {', '.join(found) or 'none'}; wanted {version!r} among them"
        )
    hub = Hub(params.hub)
    commit = hub.branches_and_tags(params.live.repo, "model")[1].get(version)
    if commit != found[version].commit:
        raise ReleaseRefused(
            f"the tag {version} points to {str(commit)[:12]} on the Hub, and its receipt names "
            f"{found[version].commit[:12]}; wanted them equal. Find out who moved it"
        )
    hub.move_tag(params.live.repo, params.live.tag, commit)
    return commit


def summary(commit: str) -> str:
    """Return what the service runs."""
    return f"the service runs {commit}"
