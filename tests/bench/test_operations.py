"""The bench of operations: its figures, and what Prefect's API says of a time."""

from bench import operations


def test_operations_are_held_against_what_is_wanted() -> None:
    found = operations.judged(
        by_hand=100.0, by_worker=115.0, unchanged=12.04, to_first_step=20.4, bytes_waiting=200 << 20
    )
    assert found == {
        "schedule_to_first_step_seconds": {"value": 20.4, "wanted": 20.0, "ok": False},
        "orchestration_share_of_ten_minutes": {"value": 0.025, "wanted": 0.05, "ok": True},
        "unchanged_run_seconds": {"value": 12.0, "wanted": 10.0, "ok": False},
        "waiting_worker_mib": {"value": 200.0, "wanted": 300.0, "ok": True},
    }


def test_operations_reads_times_as_prefect_writes_them() -> None:
    assert operations.at("1970-01-01T00:01:00Z") == operations.at("1970-01-01T01:01:00+01:00") == 60
