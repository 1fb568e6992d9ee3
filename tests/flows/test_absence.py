from flows.absence import Absence


def test_absence_is_told_at_its_begin_each_hour_and_at_its_end() -> None:
    said: list[str] = []
    now = [0.0]
    absence = Absence(said.append, lambda: now[0])
    absence.answered()
    assert said == []
    for _ in range(9000):  # as the worker asks, every ten seconds
        absence.failed("does not answer (ConnectError)")
        now[0] += 1
    absence.answered()
    absence.answered()
    assert said == [
        "Prefect's server does not answer (ConnectError); the worker goes on, and so does its run",
        "Prefect's server does not answer (ConnectError), for 1 hours by now",
        "Prefect's server does not answer (ConnectError), for 2 hours by now",
        "Prefect's server answers again, after 150 minutes",
    ]
    absence.failed("answers 503")
    assert said[4:] == ["Prefect's server answers 503; the worker goes on, and so does its run"]
