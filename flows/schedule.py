"""When a workspace's runs come by its own prefect.yaml, without asking a server."""

import math
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from prefect._vendor.croniter import croniter  # type: ignore[attr-defined]
from prefect.client.schemas.schedules import (
    CronSchedule,
    IntervalSchedule,
    RRuleSchedule,
    construct_schedule,
)
from pydantic import BaseModel, ValidationError

from pipeline.errors import InvalidWorkspace
from pipeline.params.document import read_yaml

FILE = "prefect.yaml"


class _Schedule(BaseModel):
    """What Prefect takes of a schedule; what else stands there is not of when."""

    cron: str | None = None
    interval: timedelta | None = None
    rrule: str | None = None
    anchor_date: datetime | None = None
    timezone: str | None = None
    active: bool | None = None


class _Deployment(BaseModel):
    schedules: list[_Schedule] | None = None


class _File(BaseModel):
    deployments: list[_Deployment] | None = None


def following(workspace: Path, after: datetime) -> list[datetime]:
    """Return the next two times of the workspace's schedules; nothing where it has none that is active.

    An interval without `anchor_date` counts from `after`, as nobody but the server knows since when it runs.

    Raises:
        InvalidWorkspace: The file holds what Prefect could not deploy.

    Example:
        >>> from tempfile import mkdtemp
        >>> folder = Path(mkdtemp())
        >>> line = 'deployments: [{schedules: [{cron: "0 3 * * 1", timezone: Europe/Istanbul}]}]'
        >>> _ = (folder / "prefect.yaml").write_text(line)
        >>> [str(one) for one in following(folder, datetime(2026, 1, 1, tzinfo=UTC))]
        ['2026-01-05 00:00:00+00:00', '2026-01-12 00:00:00+00:00']
    """
    path = workspace / FILE
    if not path.is_file():
        return []
    try:
        deployments = _File.model_validate(read_yaml(path)).deployments or []
        schedules = [one for deployment in deployments for one in deployment.schedules or []]
        return sorted(time for one in schedules if one.active is not False for time in _next(one, after))[:2]
    except ValueError as error:  # pydantic's and croniter's too
        raise InvalidWorkspace(
            f"{path} has a schedule that cannot be read: {_said(error)}; wanted cron, interval or rrule, as "
            "`prefect deploy` takes them. Correct it there, and deploy again"
        ) from None


def interval(workspace: Path, after: datetime) -> timedelta | None:
    """Return the time between two runs; None without a schedule."""
    times = following(workspace, after)
    return times[1] - times[0] if len(times) == 2 else None


def _next(one: _Schedule, after: datetime) -> Iterable[datetime]:
    """Return the next two times of one schedule."""
    anchor = one.anchor_date or after
    made = construct_schedule(
        interval=one.interval,
        anchor_date=anchor if one.interval else None,
        cron=one.cron,
        rrule=one.rrule,
        timezone=one.timezone,
    )
    assert isinstance(made, IntervalSchedule | CronSchedule | RRuleSchedule)  # made of no schedule
    if isinstance(made, IntervalSchedule):
        begin = anchor if anchor.tzinfo else anchor.replace(tzinfo=ZoneInfo(made.timezone or "UTC"))
        passed = math.floor((after - begin) / made.interval)
        return [(begin + (passed + n) * made.interval).astimezone(UTC) for n in (1, 2)]
    zone = ZoneInfo(made.timezone or "UTC")
    if isinstance(made, CronSchedule):
        # By the clock on the wall: croniter itself is an hour off where that is put forward or back.
        times: Any = croniter(made.cron, after.astimezone(zone).replace(tzinfo=None))  # type: ignore[no-untyped-call]
        return [times.get_next(datetime).replace(tzinfo=zone).astimezone(UTC) for _ in range(2)]
    found = made.to_rrule().xafter(after.astimezone(zone), count=2)
    return [time.astimezone(UTC) for time in found]


def _said(error: ValueError) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors()[0]
    return ": ".join(filter(None, [".".join(map(str, first["loc"])), first["msg"]]))
