"""`deployed VERSION`: say which model the user's service runs: the log keeps it, the Hub's tag shows it."""

from argparse import ArgumentParser
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import HubDenied, ReleaseRefused
from pipeline.hub import Hub
from pipeline.params import Params
from pipeline.records import Adoption, Receipt
from pipeline.records.log import Deployed
from pipeline.workspace import live, receipts


@dataclass(frozen=True)
class Deployment:
    """What the service runs now.

    Attributes:
        denied: What the Hub said where the token may not move the tag: the log alone knows then.
    """

    repo: str
    commit: str
    version: str
    denied: str | None


def arguments(parser: ArgumentParser) -> None:
    """Register which release the service runs."""
    parser.add_argument("version", help="a release of `katman releases`, or what was adopted")
    parser.epilog = "example:\n  katman deployed v2"


def run(workspace: Path, params: Params, version: str) -> Deployment:
    """Tell the log what the service runs, and point `live.tag` at it where the token may.

    Raises:
        ReleaseRefused: There is no such release, or several, or its tag points elsewhere.
        HubError: The Hub was not reached, or has no such commit.
    """
    found = receipts.read_all(workspace)
    one = _named(found, params, version)
    hub = Hub(params.hub)
    if isinstance(one, Receipt):
        _refuse_moved(hub, one)
    else:
        hub.info(one.repo, "model", one.commit)  # it is there
    denied = None
    try:
        hub.move_tag(one.repo, params.live.tag, one.commit)
        tagged: str | None = one.commit
    except HubDenied as error:
        denied, tagged = str(error), hub.tagged(one.repo, params.live.tag)
    told = Deployed(repo=one.repo, commit=one.commit, version=one.version, tagged=tagged)
    live.tell(workspace, params, told)
    return Deployment(one.repo, one.commit, one.version, denied)


def summary(done: Deployment) -> str:
    """Return what the service runs, and who knows it."""
    said = f"the service runs {done.version} of {done.repo} (commit {done.commit})"
    return said if done.denied is None else f"{said}; the log alone knows it, because {done.denied}"


def _named(found: list[Receipt | Adoption], params: Params, version: str) -> Receipt | Adoption:
    """Return the receipt of a version: of `release.repo` first, then of any other repository."""
    repo, _, name = version.rpartition("@")
    called = [one for one in found if one.version == name and repo in ("", one.repo)]
    ours = [one for one in called if one.repo == params.release.repo]
    chosen = ours or called
    if len(chosen) == 1:
        return chosen[0]
    if chosen:
        raise ReleaseRefused(
            f"{version} is a release of {' and of '.join(one.repo for one in chosen)}; wanted one of them. "
            f"Name it, like {chosen[0].repo}@{version}"
        )
    there = [one.version if one.repo == params.release.repo else f"{one.repo}@{one.version}" for one in found]
    raise ReleaseRefused(
        f"{params.release.repo} has the releases {', '.join(there) or 'none'}; wanted {version!r} among "
        "them. A model that something else released comes in by `katman adopt REPO@REV`"
    )


def _refuse_moved(hub: Hub, one: Receipt) -> None:
    commit = hub.branches_and_tags(one.repo, "model")[1].get(one.version)
    if commit != one.commit:
        raise ReleaseRefused(
            f"the tag {one.version} points to {str(commit)[:12]} on the Hub, and its receipt names "
            f"{one.commit[:12]}; wanted them equal. Find out who moved it"
        )
