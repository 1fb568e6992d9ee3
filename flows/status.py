"""`status`: how the workspace stands, in six lines for a person or as JSON for a monitor.

It waits for nobody: what it says stands in the workspace's files, and only the next run is asked of Prefect's
server, where that answers. Exit code 5 says that no run ended well for twice the time between two.
"""

import json
import shutil
from argparse import ArgumentParser
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from dvc.exceptions import DvcException
from dvc.lock import LockError
from dvc.repo import Repo
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterState, FlowRunFilterStateType
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.settings import PREFECT_API_URL

from flows import lifelines, schedule, server
from pipeline.commands import looks
from pipeline.errors import ExitCode, first_line
from pipeline.params import Params
from pipeline.workspace import live, locks, log, paths, receipts

_SECONDS_TO_ANSWER = 10


@dataclass(frozen=True)
class Status:
    """How a workspace stands.

    Attributes:
        live: The model that candidates are compared with, as the log and the receipts say.
        pinned: Data set and base.
        stale: Stages that a run would run, as DVC says; None where DVC cannot say now.
        unknown: Why DVC cannot; None where it can.
        holder: Who writes to the workspace now.
        last: The last run of the flow here.
        cut_off: Its process is gone, and it has not said how it ended.
        done: When a run ended well for the last time.
        next: When the next one comes, and who says so.
        looks_left: How often the test rows may still be looked at; None before the first audit.
        disk_left_bytes: At the workspace.
        overdue: No run ended well for twice the time between two.
    """

    live: str
    pinned: str
    stale: list[str] | None
    unknown: str | None
    holder: str | None
    last: lifelines.Life | None
    cut_off: bool
    done: str | None
    next: str
    looks_left: int | None
    disk_left_bytes: int
    overdue: bool
    as_json: bool


def arguments(parser: ArgumentParser) -> None:
    """Register the form."""
    parser.add_argument("--json", action="store_true", dest="as_json", help="for a monitor")
    parser.epilog = "example:\n  katman status --json"


def run(workspace: Path, params: Params, as_json: bool = False) -> Status:
    """Read how the workspace stands; changes nothing.

    Raises:
        BrokenChain: The log or a receipt cannot be read.
    """
    now = datetime.now(UTC)
    last, done = lifelines.last(workspace), lifelines.done(workspace)
    standing = live.expected(log.entries(workspace), receipts.read_all(workspace), params)
    holder = locks.holder(workspace)
    between = schedule.interval(workspace, now)
    # Where nothing ran yet: since there is a schedule. A clock that was put back leaves a time that is still
    # to come, until which nothing would be overdue.
    known = done is not None and (between is None or done - now < between)
    since = done if known else _changed(workspace / schedule.FILE)
    stale, unknown = _stale(workspace)
    count = looks.run(workspace, params)
    left = None if count.next_look is None else max(0, count.allowed - count.next_look.number + 1)
    return Status(
        live=str(standing) if standing is not None else "nothing was released from here yet",
        pinned=f"{params.dataset.repo} at {params.dataset.revision[:12]}, "
        f"{params.base.repo} at {params.base.revision[:12]}",
        stale=stale,
        unknown=unknown,
        holder=str(holder) if holder is not None else None,
        last=last,
        cut_off=last is not None and last.ended is None and not lifelines.lives(workspace, last.run),
        done=done.isoformat() if done else None,
        next=_next(workspace, now),
        looks_left=left,
        disk_left_bytes=shutil.disk_usage(workspace).free,
        overdue=between is not None and since is not None and now - since > 2 * between,
        as_json=as_json,
    )


def exit_code(found: Status) -> ExitCode:
    """Return 5 where a run is overdue."""
    return ExitCode.OVERDUE if found.overdue else ExitCode.DONE


def summary(found: Status) -> str:
    """Return six lines, or JSON."""
    if found.as_json:
        return json.dumps(asdict(found), indent=2, ensure_ascii=False)
    if found.stale is None:
        stale = f"unknown: {found.unknown}"
    else:
        stale = ", ".join(found.stale) or "nothing, every stage is as dvc.lock says"
    looks_left = "unknown, before the first audit" if found.looks_left is None else str(found.looks_left)
    lines = {
        "live": found.live,
        "pinned": found.pinned,
        "stale": stale + (f"; {found.holder} writes here" if found.holder else ""),
        "last run": _last(found),
        "next run": found.next + ("; OVERDUE" if found.overdue else ""),
        "left": f"{looks_left} looks, {found.disk_left_bytes / 1e9:.1f} GB of disk",
    }
    return "\n".join(f"{name:<10} {line}" for name, line in lines.items())


def _last(found: Status) -> str:
    life = found.last
    if life is None:
        return "none yet"
    if life.ended is not None:
        said = next(iter((life.message or "").splitlines()), "")
        return f"{life.name}, {life.ended}: {said}"
    if found.cut_off:
        return f"cut off in `{life.step}`; it began {life.began}"
    return f"goes on, in `{life.step}`; it began {life.began}"


def _stale(workspace: Path) -> tuple[list[str] | None, str | None]:
    """Return the stages that a run would run, or why DVC cannot say which."""
    if not (workspace / paths.STAGES).is_file():
        return None, f"there is no {paths.STAGES}"
    try:
        with Repo(str(workspace)) as repo:
            changed = {name.rpartition(":")[2] for name in repo.status()}
    except LockError:
        return None, "DVC is at work"
    except DvcException as error:
        return None, f"DVC cannot read the workspace: {first_line(error)}"
    return [name for name in paths.RECORDS if name in changed], None


def _changed(path: Path) -> datetime | None:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC) if path.is_file() else None


def _next(workspace: Path, now: datetime) -> str:
    """Return when the next run comes: as the server says, else as prefect.yaml does."""
    by_file = schedule.following(workspace, now)
    planned = f"{_said(by_file[0])} by {schedule.FILE}" if by_file else f"none by {schedule.FILE}"
    if not PREFECT_API_URL.value():
        return f"{planned}; no server was asked (PREFECT_API_URL is not set)"
    asked = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED])))
    try:
        with get_client(sync_client=True, httpx_settings={"timeout": _SECONDS_TO_ANSWER}) as client:
            runs = client.read_flow_runs(
                flow_run_filter=asked, sort=FlowRunSort.EXPECTED_START_TIME_ASC, limit=50
            )
            times = [one.expected_start_time for one in runs if server.folder_of(client, one) == workspace]
    except server.AWAY as error:
        return f"{planned}; Prefect's server does not answer ({type(error).__name__})"
    return _said(times[0]) if times and times[0] else "none is scheduled at Prefect's server"


def _said(time: datetime) -> str:
    return time.astimezone().isoformat(sep=" ", timespec="minutes")
