"""Asking again: how often, how long apart, and what for."""

from collections.abc import Callable

import pytest

from pipeline.errors import HubDenied, HubUnreachable
from pipeline.hub.retries import MAX_WAIT_SECONDS, Retries


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that only notes how long it would have waited."""
    noted: list[float] = []
    monkeypatch.setattr("pipeline.hub.retries.time.sleep", noted.append)
    return noted


def failing(times: int, error: Exception) -> Callable[[], str]:
    left = [error] * times

    def ask() -> str:
        if left:
            raise left.pop()
        return "answer"

    return ask


def test_retries_give_the_first_answer(waits: list[float]) -> None:
    assert Retries(3, 1.0).again(failing(3, HubUnreachable("no"))) == "answer"
    assert len(waits) == 3


def test_retries_wait_twice_as_long_each_time_less_a_part_by_chance(waits: list[float]) -> None:
    for _ in range(50):
        Retries(3, 1.0).again(failing(3, HubUnreachable("no")))
    for place, longest in enumerate((1.0, 2.0, 4.0)):
        taken = waits[place::3]
        assert all(longest / 2 <= one <= longest for one in taken)
        assert len(set(taken)) > 10


def test_retries_wait_as_long_as_the_server_says(waits: list[float]) -> None:
    Retries(2, 0.001).again(failing(2, HubUnreachable("no", retry_after_seconds=7.0)))
    assert waits == [7.0, 7.0]


def test_retries_never_wait_for_ever(waits: list[float]) -> None:
    with pytest.raises(HubUnreachable):
        Retries(2, 1.0).again(failing(9, HubUnreachable("no", retry_after_seconds=MAX_WAIT_SECONDS + 1)))
    assert waits == []
    Retries(1, 1e9).wait(5)
    assert waits[0] <= MAX_WAIT_SECONDS


@pytest.mark.parametrize("error", [HubDenied("no"), HubUnreachable("no", lasting=True)])
def test_retries_are_not_made_where_the_answer_would_be_the_same(
    waits: list[float], error: Exception
) -> None:
    with pytest.raises(type(error)):
        Retries(5, 1.0).again(failing(1, error))
    assert waits == []


def test_retries_of_none_ask_once(waits: list[float]) -> None:
    with pytest.raises(HubUnreachable):
        Retries(0, 1.0).again(failing(1, HubUnreachable("no")))
    assert waits == []
