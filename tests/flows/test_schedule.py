"""When runs come by prefect.yaml alone."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flows import schedule

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)  # a Friday


def written(folder: Path, *schedules: str) -> Path:
    lines = ["deployments:", *(f"  - schedules: [{{{one}}}]" for one in schedules)]
    (folder / schedule.FILE).write_text("\n".join(lines), "utf-8")
    return folder


@pytest.mark.parametrize("content", [None, "name: katman", "deployments: [{name: production}]"])
def test_workspace_without_a_schedule_has_no_next_run(content: str | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / schedule.FILE).write_text(content, "utf-8")
    assert schedule.following(tmp_path, NOW) == []
    assert schedule.interval(tmp_path, NOW) is None


def test_next_runs_are_the_first_two_of_all_schedules(tmp_path: Path) -> None:
    written(tmp_path, 'cron: "0 3 * * 1"', 'cron: "0 4 * * 1", timezone: UTC')
    monday = datetime(2026, 3, 23, tzinfo=UTC)
    assert schedule.following(tmp_path, NOW) == [monday.replace(hour=3), monday.replace(hour=4)]


def test_schedule_that_is_off_makes_no_run(tmp_path: Path) -> None:
    written(tmp_path, 'cron: "0 3 * * 1", active: false')
    assert schedule.following(tmp_path, NOW) == []


def test_schedule_keeps_its_hour_where_the_clocks_change(tmp_path: Path) -> None:
    written(tmp_path, 'cron: "0 3 * * 1", timezone: Europe/Berlin')
    # The last Sunday of March lies between the two.
    assert schedule.following(tmp_path, NOW) == [
        datetime(2026, 3, 23, 2, tzinfo=UTC),
        datetime(2026, 3, 30, 1, tzinfo=UTC),
    ]
    assert schedule.interval(tmp_path, NOW) == timedelta(days=7) - timedelta(hours=1)
