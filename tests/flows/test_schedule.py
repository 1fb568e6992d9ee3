"""When runs come by prefect.yaml alone."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flows import schedule
from pipeline.errors import InvalidWorkspace

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


@pytest.mark.parametrize(
    ("given", "times"),
    [
        ("interval: 3600", ["2026-03-20 13:00", "2026-03-20 14:00"]),
        ('interval: P7D, anchor_date: "2026-01-05T03:00:00+00:00"', ["2026-03-23 03:00", "2026-03-30 03:00"]),
        (
            'interval: 86400, anchor_date: "2026-01-05T03:00:00", timezone: Europe/Istanbul',
            ["2026-03-21 00:00"],
        ),
        ('rrule: "FREQ=WEEKLY;BYDAY=MO;BYHOUR=3;BYMINUTE=0;BYSECOND=0"', ["2026-03-23 03:00"]),
    ],
)
def test_schedules_of_every_kind_that_prefect_takes_are_known(
    given: str, times: list[str], tmp_path: Path
) -> None:
    found = schedule.following(written(tmp_path, given), NOW)
    assert [f"{time:%Y-%m-%d %H:%M}" for time in found][: len(times)] == times
    assert schedule.interval(tmp_path, NOW)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("deployments: hello", "deployments: Input should be a valid list"),
        ('deployments: [{schedules: ["0 3 * * 1"]}]', "deployments.0.schedules.0: Input should be"),
        ('deployments: [{schedules: [{cron: "x y"}]}]', "cron"),
        ('deployments: [{schedules: [{cron: "0 3 30 2 *"}]}]', "failed to find next date"),
        ('deployments: [{schedules: [{cron: "0 3 * * 1", timezone: Mars/X}]}]', "timezone"),
        ("deployments: [{schedules: [{rrule: nonsense}]}]", "rrule"),
        ("deployments: [{schedules: [{slug: weekly}]}]", "Either interval, cron, or rrule must be provided"),
    ],
)
def test_schedule_that_prefect_could_not_deploy_is_refused(content: str, says: str, tmp_path: Path) -> None:
    (tmp_path / schedule.FILE).write_text(content, "utf-8")
    with pytest.raises(InvalidWorkspace, match="has a schedule that cannot be read: ") as refused:
        schedule.following(tmp_path, NOW)
    assert says in str(refused.value)
