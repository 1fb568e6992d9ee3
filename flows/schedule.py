"""When a workspace's runs come by its own prefect.yaml, without asking a server."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from prefect._vendor.croniter import croniter  # type: ignore[attr-defined]

from pipeline.params.document import read_yaml

FILE = "prefect.yaml"


def following(workspace: Path, after: datetime) -> list[datetime]:
    """Return the next two times of the workspace's schedules; nothing where it has none that is active.

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
    found: list[datetime] = []
    for deployment in read_yaml(path).get("deployments") or []:
        for schedule in deployment.get("schedules") or []:
            if schedule.get("active", True) and "cron" in schedule:
                zone = ZoneInfo(schedule.get("timezone") or "UTC")
                # By the clock on the wall: croniter itself is an hour off where that is put forward or back.
                here = after.astimezone(zone).replace(tzinfo=None)
                times: Any = croniter(schedule["cron"], here)  # type: ignore[no-untyped-call]
                found += [times.get_next(datetime).replace(tzinfo=zone).astimezone(UTC) for _ in range(2)]
    return sorted(found)[:2]


def interval(workspace: Path, after: datetime) -> timedelta | None:
    """Return the time between two runs; None without a schedule."""
    times = following(workspace, after)
    return times[1] - times[0] if len(times) == 2 else None
