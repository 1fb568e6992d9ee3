"""`adopt REPO@REV`: take in a model that something else released, as the one that the user's service runs."""

from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path

from pipeline.embedding import loading
from pipeline.errors import InvalidData, InvalidParams, ReleaseRefused
from pipeline.hub import Hub
from pipeline.params import Params
from pipeline.params.pin import TrainedOn
from pipeline.publishing.release_tree import HUBS_OWN
from pipeline.records import Adoption, Receipt, RepoRef
from pipeline.records.log import Adopted
from pipeline.stages.pin import downloads, trained
from pipeline.workspace import live, receipts


def arguments(parser: ArgumentParser) -> None:
    """Register which model the service runs, and what that was trained on."""
    parser.add_argument("what", metavar="REPO@REV", help="the model: its commit, a tag or a branch")
    parser.add_argument("--trained-on", metavar="DATASET@REV", help="the data set that it was trained on")
    parser.epilog = "example:\n  katman adopt owner/name@main --trained-on owner/triplets@main"


def run(workspace: Path, params: Params, what: str, trained_on: str | None = None) -> Adoption:
    """Take in what the service runs: from now on candidates are compared with it.

    Everything is tried that would fail later: the model is loaded with its own prompts, length and pooling,
    and the data set's train split is read. Nothing is kept before.

    Args:
        workspace: The folder that gets a receipt, in git, and an entry in its log.
        params: What a candidate of this line is.
        what: The model, `REPO@REV`: a commit, tag or branch.
        trained_on: The data set that the model was trained on, `REPO@REV`. Without it nobody knows which rows
            the model has seen: it is compared on all of them, and a person must approve what passes.

    Returns:
        The receipt, of before where the same was adopted already.

    Raises:
        InvalidParams: What was asked for is not of the form `REPO@REV`.
        InvalidData: The model cannot be compared with, or the data set not be read.
        ReleaseRefused: The model was released from here.
        HubError: The Hub was not reached, or has no such model or data set.
    """
    hub = Hub(params.hub)
    repo, revision = _parts(what, "owner/name@main")
    commit = hub.info(repo, "model", revision).commit
    found = receipts.read_all(workspace)
    known = [one for one in found if (one.repo, one.commit) == (repo, commit)]
    ours = next((one for one in known if isinstance(one, Receipt)), None)
    if ours is not None:
        raise ReleaseRefused(
            f"{repo} at {commit[:12]} is {ours.version}, which was released from here; wanted a model that "
            f"something else released. Run `katman deployed {ours.version}`"
        )
    data = _data_set(hub, params, trained_on)
    _refuse_unusable(hub, params, repo, commit)
    made = next((one for one in known if isinstance(one, Adoption) and one.trained_on == data), None)
    if made is None:
        listed = hub.files(repo, "model", commit)
        made = Adoption(
            kind="adopted",
            endpoint=hub.endpoint,
            repo=repo,
            commit=commit,
            version=receipts.next_adoption(workspace),
            trained_on=data,
            files={path: one.digest for path, one in listed.items() if path not in HUBS_OWN},
            adopted_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )
    receipts.save_adoption(workspace, made)
    tagged = hub.tagged(repo, params.live.tag)
    told = Adopted(repo=repo, commit=commit, version=made.version, trained_on=data, tagged=tagged)
    live.tell(workspace, params, told)
    return made


def summary(adopted: Adoption) -> str:
    """Return what was adopted, and the next command."""
    seen = (
        "nobody knows which rows it has seen" if adopted.trained_on is None else "what it has seen is known"
    )
    return (
        f"{adopted.version}: {adopted.repo} at {adopted.commit}; {seen}\n"
        "the service runs it: run `katman refresh`, and candidates are compared with it"
    )


def _parts(what: str, example: str) -> tuple[str, str]:
    repo, mark, revision = what.partition("@")
    if not (repo and mark and revision):
        raise InvalidParams(f"{what!r} names no commit; wanted REPO@REV, like {example}")
    return repo, revision


def _data_set(hub: Hub, params: Params, what: str | None) -> RepoRef | None:
    """Return the data set at its commit, after reading what `pin` will read of it."""
    if what is None:
        return None
    repo, revision = _parts(what, "owner/triplets@main")
    commit = hub.info(repo, "dataset", revision).commit
    asked = TrainedOn(repo=repo, revision=commit)
    trained.described(hub, asked, params.dataset, params.pin)
    return RepoRef(repo=repo, revision=commit)


def _refuse_unusable(hub: Hub, params: Params, repo: str, commit: str) -> None:
    """Load the model as `evaluate` will, and refuse one that has none of the widths that are promised."""
    download = downloads.release(hub, "live", repo, commit, max_workers=params.pin.max_workers)
    assert download is not None
    width = int(loading.load(download.folder).get_embedding_dimension() or 0)
    dims = params.model.dims
    if width < min(dims):
        raise InvalidData(
            f"{repo} at {commit[:12]} has {width} dimensions and model.dims are {list(dims)}; wanted at "
            "least the smallest of them, because models are compared at the same widths. Add a smaller one"
        )
