"""`refresh`: the one step that follows heads; it writes newer revisions into params.yaml."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from pipeline.errors import HubNotFound
from pipeline.hub import Hub
from pipeline.params import Params, load
from pipeline.params.rewrite import rewrite
from pipeline.preflight import moved_rows
from pipeline.preflight.moved_rows import MovedRows
from pipeline.records import Adoption, Receipt, RepoRef
from pipeline.records.log import Deployed
from pipeline.workspace import live, log, paths, receipts
from pipeline.workspace.files import write_text
from pipeline.workspace.live import Standing

Values = dict[str, str | dict[str, str] | None]


class Refreshed(Values):
    """The keys that were set, and beside them what moved in the data set.

    Attributes:
        rows: None where nobody knows: nothing moved, or nothing to compare with is here.
        stays: Why the data set stays where it is though its branch moved.
    """

    def __init__(self, values: Values, rows: MovedRows | None, stays: str | None) -> None:
        super().__init__(values)
        self.rows = rows
        self.stays = stays


def run(workspace: Path, params: Params) -> Values:
    """Move the data set to its branch's head, live to what is deployed, and the anchor to the best release.

    What is deployed the log says, and the Hub's tag where that was moved since; which release is the best so
    far stands in the newest receipt. Live and anchor move as soon as anything that the weights depend on
    differs from the newest release's: else an unchanged workspace would judge its own release against itself.

    Returns:
        The dotted keys that were set, with their new values; empty where nothing moved. Where the data set
        moved and its old rows are here, what moved in it besides.

    Raises:
        HubError: The Hub was not reached, or has no such branch.
        HubNotFound: What is deployed is gone from the Hub.
    """
    hub = Hub(params.hub)
    head, moved, stays = _head(workspace, params, hub)
    moved_rows.keep(workspace, moved)
    found = receipts.read_all(workspace)
    standing = _standing(hub, workspace, params, found)
    newest = receipts.latest_release(workspace, params.release.repo)
    if head == params.dataset.revision and newest is not None and live.at_release(workspace, params, newest):
        released = _as_released(hub, params, found, newest, standing)
        return Refreshed(_write(workspace, released), moved, stays)
    values: Values = {} if head == params.dataset.revision else {"dataset.revision": head}
    values |= _compared(hub, params, standing)
    best = receipts.latest(workspace, params.release.repo)
    if best is not None and best.anchor is not None:
        values |= _anchor(params, best.anchor)
    return Refreshed(_write(workspace, values), moved, stays)


def summary(found: Values) -> str:
    """Return a line per key that was set in params.yaml, and one per split of what moved in the data set."""
    lines = [f"{key:<18} {_shown(value)}" for key, value in found.items()] or ["nothing moved"]
    if isinstance(found, Refreshed) and found.stays is not None:
        lines.append(found.stays)
    if isinstance(found, Refreshed) and found.rows is not None:
        lines += [
            f"{name:<6} {one.added:,} rows added, {one.removed:,} removed, {one.changed:,} changed; "
            f"{one.before:,} before, {one.after:,} now"
            for name, one in found.rows.splits.items()
        ]
        lines += [
            f"new    {' | '.join(' '.join(one.split()) for one in texts)}" for texts in found.rows.examples
        ]
    return "\n".join(lines)


def _head(workspace: Path, params: Params, hub: Hub) -> tuple[str, MovedRows | None, str | None]:
    """Return where the data set shall stand, what moved in it, and why it stays where it stays."""
    pinned = params.dataset.revision
    head = hub.info(params.dataset.repo, "dataset", params.dataset.branch).commit
    if head == pinned:
        return head, None, None
    asked, at = params.refresh, f"{head[:12]} is the head of {params.dataset.branch}"
    if asked.policy == "pin":
        return pinned, None, f"the data set stays: {at}, and refresh.policy is pin"
    moved = moved_rows.compare(workspace, params, hub, head)
    if moved is not None and moved.new < asked.min_rows:
        return pinned, moved, f"the data set stays: {at}, {moved.new} rows are new; wanted {asked.min_rows}"
    looked = [entry.at for entry in log.entries(workspace).values() if entry.what.kind == "look"]
    days = (datetime.now(UTC) - datetime.fromisoformat(max(looked))).days if looked else None
    if days is not None and days < asked.min_days:
        return pinned, moved, f"the data set stays: {at}, {days} days after a look; wanted {asked.min_days:g}"
    return head, moved, None


def _shown(value: str | dict[str, str] | None) -> str:
    if isinstance(value, dict):
        return f"{value['repo']} at {value['revision']}"
    return "null" if value is None else value


def _standing(hub: Hub, workspace: Path, params: Params, found: list[Receipt | Adoption]) -> Standing | None:
    """Ask the Hub's tag whether something else was deployed since the log was told, and tell the log."""
    standing = live.expected(log.entries(workspace), found, params)
    repo = live.tag_repo(standing, params)
    tagged = hub.tagged(repo, params.live.tag)
    if not live.moved(standing, tagged):
        return standing
    assert tagged is not None
    known = (one.version for one in reversed(found) if (one.repo, one.commit) == (repo, tagged))
    version = next(known, tagged[:12])
    live.tell(workspace, params, Deployed(repo=repo, commit=tagged, version=version, tagged=tagged))
    return live.expected(log.entries(workspace), found, params)


def _compared(hub: Hub, params: Params, standing: Standing | None) -> Values:
    """Return what must be set so that candidates are compared with what stands there."""
    if standing is None:
        return {}
    wanted = RepoRef(repo=standing.repo, revision=standing.commit)
    if _ref(params) != wanted and not _stands(hub, wanted):
        raise HubNotFound(
            f"{standing}, and is gone from the Hub; wanted it there, because candidates are compared with "
            "it. Say which other release your service runs with `katman deployed VERSION`, or take in what "
            "it runs with `katman adopt REPO@REV`; where it runs nothing, the base"
        )
    return _live(params, wanted, standing.trained_on, adopted=standing.adopted)


def _as_released(
    hub: Hub, params: Params, found: Sequence[Receipt | Adoption], newest: Receipt, standing: Standing | None
) -> Values:
    """Leave live as it was for the newest release, or put it back where it is that release itself.

    A live model that is gone from the Hub is replaced by another one, where there is one.
    """
    now, before = _ref(params), newest.live
    if now is None:
        return {}
    if live.is_candidate(params, found, newest.candidate):
        wanted = before if before is not None and _stands(hub, before) else None
        line = [one for one in found if isinstance(one, Receipt) and one.repo == newest.repo]
        earlier = line[: line.index(newest)]
        return _put_back(params, found, wanted) | _anchor(params, earlier[-1].anchor if earlier else None)
    if _stands(hub, now):
        return {}
    others = [one for one in (before, _other(standing, newest)) if one is not None]
    there = next((one for one in others if one != now and _stands(hub, one)), None)
    return {} if there is None else _put_back(params, found, there)


def _other(standing: Standing | None, newest: Receipt) -> RepoRef | None:
    """Return what stands there, unless it is the newest release, which is not compared with itself."""
    if standing is None or standing.commit == newest.commit:
        return None
    return RepoRef(repo=standing.repo, revision=standing.commit)


def _put_back(params: Params, found: Sequence[Receipt | Adoption], wanted: RepoRef | None) -> Values:
    """Return the keys that make live what it was before, with what is known of its training."""
    known = [one for one in found if isinstance(one, Adoption) and wanted is not None and one.is_at(wanted)]
    return _live(params, wanted, known[-1].trained_on if known else None, adopted=bool(known))


def _live(params: Params, wanted: RepoRef | None, trained_on: RepoRef | None, *, adopted: bool) -> Values:
    """Return the keys of `live` that must be set; what a release was trained on the release itself says."""
    values: Values = {}
    moves = _ref(params) != wanted
    if moves:
        values["live.revision"] = wanted.revision if wanted else None
        if wanted is not None and wanted.repo != params.live.repo:
            values["live.repo"] = wanted.repo
    given = params.live.trained_on
    there = RepoRef(repo=given.repo, revision=given.revision) if given else None
    if (moves or adopted) and there != trained_on:
        values["live.trained_on"] = trained_on.model_dump() if trained_on else None
    return values


def _anchor(params: Params, wanted: str | None) -> Values:
    return {} if wanted == params.anchor.revision else {"anchor.revision": wanted}


def _ref(params: Params) -> RepoRef | None:
    revision = params.live.revision
    return None if revision is None else RepoRef(repo=params.live.repo, revision=revision)


def _stands(hub: Hub, model: RepoRef) -> bool:
    try:
        hub.info(model.repo, "model", model.revision)
    except HubNotFound:
        return False
    return True


def _write(workspace: Path, values: Values) -> Values:
    if values:
        path = workspace / paths.PARAMS
        write_text(path, rewrite(path, values))
        load(workspace)  # what was written can be read
    return values
