"""What a candidate must be compared with: the model that the user's service runs, by log and receipts.

`refresh` writes it into params.yaml; `demand` holds everybody to that who changed anything since the last
release. Log and receipts are no input of any record: they say who may be judged, never what a verdict is.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.errors import BrokenChain, InvalidParams
from pipeline.params import Params
from pipeline.records import Adoption, Pin, Receipt, RepoRef, Training
from pipeline.records.log import Adopted, Deployed, Entry
from pipeline.workspace import lineage, log, paths, receipts

# What costs, or says what a candidate is worth. `pipeline.__main__` asks `demand` before these steps.
GUARDED = ("train", "evaluate", "gate")


@dataclass(frozen=True)
class Standing:
    """The model that candidates are compared with.

    Attributes:
        version: Of the receipt; the commit's first digits where there is none.
        deployed: The log says so; else nothing is deployed yet, and this is the newest receipt.
        adopted: Something else released it, so that `trained_on` says what is known of its training.
        trained_on: The data set that an adopted model was trained on, where somebody said so.
        tagged: Where `live.tag` pointed when the log was told.
        before_log: The newest receipt is of a version that kept no log: nobody here knows what is deployed.
    """

    repo: str
    commit: str
    version: str
    deployed: bool
    adopted: bool
    trained_on: RepoRef | None = None
    tagged: str | None = None
    before_log: bool = False

    def is_at(self, repo: str, commit: str | None) -> bool:
        """Return whether this is the model of a repository at a commit."""
        return (self.repo, self.commit) == (repo, commit)

    def __str__(self) -> str:
        """Return how a message names it."""
        said = "is deployed" if self.deployed else "is the newest release"
        return f"{self.version} of {self.repo} {said} (commit {self.commit[:12]})"


def once_it_runs(receipt: Receipt) -> str:
    """Return the line that tells a person what comes behind a release."""
    return (
        f"Once your service runs it, say `katman deployed {receipt.version}`: candidates are compared with "
        "what runs"
    )


def expected(
    entries: Mapping[str, Entry], found: Sequence[Receipt | Adoption], params: Params
) -> Standing | None:
    """Return what candidates are compared with: what was deployed last, else what was released last.

    Args:
        entries: The log, oldest first. Entries on repositories that neither params.yaml nor a receipt names
            are another workspace's in the same git repository.
        found: All receipts.
        params: Names the repositories.

    Returns:
        None where nothing was ever released, deployed or adopted.
    """
    told = _told(entries, found, params)
    if told is not None:
        adopted = {(one.repo, one.version): one for one in found if isinstance(one, Adoption)}
        said = told if isinstance(told, Adopted) else adopted.get((told.repo, told.version))
        return Standing(
            told.repo,
            told.commit,
            told.version,
            deployed=True,
            adopted=said is not None,
            trained_on=said.trained_on if said else None,
            tagged=told.tagged,
        )
    newest = _newest(found, {params.release.repo, params.live.repo}) or _newest(found)
    if newest is None:
        return None
    standing = Standing(newest.repo, newest.commit, newest.version, deployed=False, adopted=False)
    if isinstance(newest, Adoption):
        return replace(standing, adopted=True, trained_on=newest.trained_on)
    return replace(standing, before_log=newest.ingredients is None)


def tell(workspace: Path, params: Params, told: Deployed | Adopted) -> None:
    """Tell the log what is deployed, unless that is what the log says."""
    if _told(log.entries(workspace), receipts.read_all(workspace), params) != told:
        log.append(workspace, told)


def demand(workspace: Path, params: Params) -> None:
    """Make sure that whoever changed anything since the last release compares it with what is deployed.

    It costs a few files and three calls of git, and asks no Hub.

    Raises:
        InvalidParams: `live.revision` is something else, or is the candidate itself.
    """
    found = receipts.read_all(workspace)
    newest = receipts.latest_release(workspace, params.release.repo)
    if newest is not None and at_release(workspace, params, newest):
        if is_candidate(params, found, newest.candidate):
            raise InvalidParams(
                f"live.revision is {newest.version} itself, and nothing that the weights depend on was "
                "changed since; wanted another model to compare with. Run `katman refresh`"
            )
        return
    standing = expected(log.entries(workspace), found, params)
    if standing is not None and not satisfied(params, standing, found):
        best = receipts.latest(workspace, params.release.repo)
        given = [("live.repo", standing.repo)] if standing.repo != params.live.repo else []
        given += [("live.revision", standing.commit)]
        given += [("anchor.revision", best.anchor)] if best is not None and best.anchor is not None else []
        raise InvalidParams(
            f"{difference(params, standing)}. Run `katman refresh`, or give an experiment "
            f"{' '.join(f'`-S {key}={value}`' for key, value in given)}"
        )


def difference(params: Params, standing: Standing) -> str:
    """Return what stands in params.yaml and what is wanted, for a message."""
    live = params.live
    if not standing.is_at(live.repo, live.revision):
        at = "null" if live.revision is None else f"{live.revision[:12]} of {live.repo}"
        return (
            f"{standing}, and live.revision is {at}; wanted what stands there, because whoever changed "
            "anything since the last release is compared with it"
        )
    given, wanted = (
        "null" if one is None else f"{one.repo} at {one.revision[:12]}"
        for one in (live.trained_on, standing.trained_on)
    )
    return f"{standing}, and live.trained_on is {given}; wanted {wanted}, as `adopt` was told"


def satisfied(params: Params, standing: Standing, found: Sequence[Receipt | Adoption]) -> bool:
    """Return whether params.yaml compares candidates with what stands there."""
    live = params.live
    if standing.before_log:
        # 0.1 kept no log: which of its releases is deployed only the Hub's tag says, and nobody may ask it
        # here. 0.1 wrote the tag's commit into params.yaml, so that any release of the line is believed;
        # `refresh` asks the tag and tells the log, and `release` asks again. Null and strangers are no such.
        return (live.repo, live.revision) in {(one.repo, one.commit) for one in found}
    if not standing.is_at(live.repo, live.revision):
        return False
    given = None if live.trained_on is None else (live.trained_on.repo, live.trained_on.revision)
    wanted = None if standing.trained_on is None else (standing.trained_on.repo, standing.trained_on.revision)
    return not standing.adopted or given == wanted


def tag_repo(standing: Standing | None, params: Params) -> str:
    """Return the repository whose tag says what is deployed."""
    return standing.repo if standing is not None and standing.deployed else params.live.repo


def moved(standing: Standing | None, tagged: str | None) -> bool:
    """Return whether a tag of the Hub tells of a deployment that the log does not know.

    Args:
        standing: What the log and the receipts say.
        tagged: The commit that `live.tag` points to in `tag_repo`; None where there is no such tag.
    """
    if tagged is None:
        return False
    return standing is None or not standing.deployed or tagged not in (standing.commit, standing.tagged)


def at_release(workspace: Path, params: Params, newest: Receipt) -> bool:
    """Return whether the candidate that params.yaml gives is the one of the newest release.

    Then there is nothing to compare: it was judged, and is out. What only measures, judges or describes a
    candidate gives the same one, which would otherwise be compared with itself.
    """
    dataset = RepoRef(repo=params.dataset.repo, revision=params.dataset.revision)
    if newest.ingredients is None:
        same = newest.recipe == receipts.recipe(params)
    else:
        same = newest.ingredients == receipts.ingredients(params)
    return same and newest.dataset == dataset and _made(workspace, params) in (None, newest.candidate)


def is_candidate(params: Params, found: Iterable[Receipt | Adoption], candidate: str) -> bool:
    """Return whether live is a release of a candidate."""
    return any(
        isinstance(one, Receipt)
        and (one.repo, one.commit, one.candidate) == (params.live.repo, params.live.revision, candidate)
        for one in found
    )


def _made(workspace: Path, params: Params) -> str | None:
    """Return the candidate that stands here; None where params.yaml asks for another one, or there is none.

    Other weights come of the same ingredients where somebody trains again by force, or on another machine.
    """
    try:
        pin = Pin.load(workspace / paths.RECORDS["pin"])
        training = Training.load(workspace / paths.RECORDS["train"])
    except BrokenChain:
        return None
    asked = [RepoRef(repo=one.repo, revision=one.revision) for one in (params.dataset, params.base)]
    if [pin.dataset.ref(), pin.base.ref()] != asked:
        return None
    if training.params != lineage.params_digest(workspace, "train"):
        return None
    return training.wrote.get(paths.MODEL)


def _told(
    entries: Mapping[str, Entry], found: Iterable[Receipt | Adoption], params: Params
) -> Deployed | Adopted | None:
    """Return what the log says last of a repository that is this workspace's."""
    repos = {params.release.repo, params.live.repo, *(one.repo for one in found)}
    told = (entry.what for entry in reversed(list(entries.values())))
    return next((one for one in told if isinstance(one, Deployed | Adopted) and one.repo in repos), None)


def _newest(found: Iterable[Receipt | Adoption], repos: set[str] | None = None) -> Receipt | Adoption | None:
    """Return the newest receipt, of some repositories or of all."""
    times = [
        (one.adopted_at if isinstance(one, Adoption) else one.released_at, place, one)
        for place, one in enumerate(found)
        if repos is None or one.repo in repos
    ]
    return max(times, key=lambda one: one[:2])[2] if times else None
