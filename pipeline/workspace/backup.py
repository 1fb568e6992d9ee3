"""Where the log and the releases go besides this machine: `release.backup`, and nowhere else.

The log goes there and comes from there with `check`, each run of the flow and each `release`; a release also
takes its records and what DVC keeps along. What fails is a warning, and is tried again the next time. A clone
that has no log yet gets it there before `pin` or `gate` count on it.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from pydantic import ValidationError

from pipeline.errors import InvalidWorkspace, first_line
from pipeline.params import Params
from pipeline.records import Receipt, Verdict
from pipeline.workspace import dvc, git, log, paths, receipts

# What counts on the log. `pipeline.__main__` asks `demand_log` before these steps.
NEEDS_LOG = ("pin", "gate")
# Releases of which not everything was pushed yet, each by its version.
_OWED = "refs/katman/unpushed/"


def demand_log(workspace: Path, params: Params) -> None:
    """Fetch the log of a clone that has none; stop where candidates were judged, and it is nowhere.

    Where there is a log this costs one call of git.

    Raises:
        InvalidWorkspace: The backup cannot be reached, or has no log, and candidates were judged before.
    """
    if log.head(workspace) is not None:
        return
    backup = params.release.backup
    if backup is not None:
        try:
            if log.fetch(workspace, backup.git):
                return
        except InvalidWorkspace as error:
            raise InvalidWorkspace(
                f"there is no log here, and {backup.git} (release.backup.git) cannot be asked for it: "
                f"{first_line(error)}. Wanted the log before anything is held out or judged. Run it again "
                "when it answers"
            ) from None
    if _judged(workspace):
        asked = "release.backup is null" if backup is None else f"{backup.git} (release.backup.git) has none"
        raise InvalidWorkspace(
            f"there is no log here ({log.REF}), {asked}, and candidates were judged before; wanted the log, "
            "which says how often the test rows were looked at. Fetch it from where they were judged "
            "(`katman looks --fetch REMOTE`); if it is lost everywhere, run `katman looks --lost`"
        )


def fetch_log(workspace: Path, params: Params) -> list[str]:
    """Take in what the backup's log knows besides; return a warning where that fails."""
    backup = params.release.backup
    return [] if backup is None else _tried(lambda: log.fetch(workspace, backup.git), "log was not fetched")


def keep_log(workspace: Path, params: Params) -> list[str]:
    """Bring the log to the backup, and what the backup's log knows besides here.

    Returns:
        A warning where that fails.
    """
    backup = params.release.backup
    return [] if backup is None else _tried(lambda: log.push(workspace, backup.git), "log was not pushed")


def keep(workspace: Path, params: Params, receipt: Receipt) -> list[str]:
    """Tag a release in git, and bring the log and all that the backup shall have of it there.

    Returns:
        A warning for each that fails.
    """
    tagged = tag_release(workspace, receipt)
    owe_release(workspace, params, receipt)
    return [*tagged, *keep_log(workspace, params), *keep_release(workspace, params)]


def tag_release(workspace: Path, receipt: Receipt) -> list[str]:
    """Tag the commit with a release's receipt `model/vN`: `git checkout` and `dvc pull` bring its bytes back.

    A rollback made no bytes of its own, and gets none.

    Returns:
        A warning where that tag stands elsewhere already: it is left where it is.
    """
    commit = git.added(workspace, paths.receipt(receipt.commit))
    if receipt.kind == "rollback" or commit is None:
        return []
    tag = tag_of(receipt)
    standing = git.target(workspace, tag)
    if standing is None:
        git.point(workspace, tag, commit)
    elif standing != commit:
        return [
            f"warning: {tag} stands at {standing[:12]}, not at the receipt of {receipt.version}; left there"
        ]
    return []


def tag_of(receipt: Receipt) -> str:
    """Return the ref of a release's tag in git."""
    return f"refs/tags/model/{receipt.version}"


def owe_release(workspace: Path, params: Params, receipt: Receipt) -> None:
    """Note that what is committed now is a release, or a rollback, that the backup shall have."""
    if params.release.backup is not None:
        git.point(workspace, f"{_OWED}{receipt.version}", "HEAD")


def keep_release(workspace: Path, params: Params) -> list[str]:
    """Push the releases that the backup has not yet: records, tags, and what DVC keeps of them.

    Returns:
        A warning for each that fails; what stands there already is not sent again.
    """
    backup = params.release.backup
    if backup is None:
        return []
    owed = git.refs(workspace, _OWED)
    warnings = []
    for name, commit in owed.items():
        tag = f"refs/tags/model/{name}"
        warnings += _tried(
            partial(git.push, workspace, backup.git, commit, f"refs/heads/{backup.branch}"),
            f"release {name} was not pushed to the branch {backup.branch}",
        )
        if git.target(workspace, tag) is not None:
            warnings += _tried(
                partial(git.push, workspace, backup.git, tag, tag), f"tag model/{name} was not pushed"
            )
    if owed:
        warnings += _tried(partial(dvc.push, workspace, backup.dvc), "models and data were not pushed")
    if not warnings:
        for name in owed:
            git.drop(workspace, f"{_OWED}{name}")
    return warnings


def _judged(workspace: Path) -> bool:
    """Return whether a candidate was judged by a version that keeps a log: a receipt or a verdict says so."""
    if any(receipt.log is not None for receipt in receipts.load_all(workspace)):
        return True
    path = workspace / paths.RECORDS["gate"]
    # DVC removes the file before it runs the gate.
    found = (path.read_bytes() if path.exists() else None, git.content(workspace, paths.RECORDS["gate"]))
    return any(_is_verdict(content) for content in found if content is not None)


def _is_verdict(content: bytes) -> bool:
    """Return whether this is a verdict of a version that keeps a log; earlier ones lack fields."""
    try:
        Verdict.model_validate_json(content)
    except ValidationError:
        return False
    return True


def _tried(act: Callable[[], object], failed: str) -> list[str]:
    try:
        act()
    except InvalidWorkspace as error:
        return [f"warning: the {failed}: {first_line(error)}; it is tried again the next time"]
    return []
