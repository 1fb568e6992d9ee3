"""Asking again: how often, how long apart, and what for; and what is never done twice."""

from collections.abc import Callable

import pytest

from pipeline.errors import HubDenied, HubError, HubUnreachable
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


class Shelf:
    """Something on a Hub that can be changed once: what was tried, and what is to be seen of it.

    Attributes:
        log: `act` and `look`, in order.
        errors: What the next tries raise; None says yes.
        taken: Whether the tries are taken, whatever they answer.
        lag: Looks that still show nothing after a change was taken.
    """

    def __init__(self, *errors: HubError | None, taken: tuple[bool, ...] = (True,), lag: int = 0) -> None:
        self.log: list[str] = []
        self.errors, self.taken, self.lag = list(errors), list(taken), lag
        self.stands = 0

    def act(self) -> None:
        self.log.append("act")
        self.stands += self.taken.pop(0) if self.taken else 0
        error = self.errors.pop(0) if self.errors else None
        if error is not None:
            raise error

    def look(self) -> str | None:
        self.log.append("look")
        if not self.stands:
            return None
        self.lag -= 1
        return "seen" if self.lag < 0 else None

    def change(self, *, repeatable: bool = True) -> str:
        return Retries(3, 1.0).until("change it", self.act, self.look, repeatable=repeatable)


LOST = HubUnreachable("nobody answered")
BUSY = HubUnreachable("429", not_done=True)


@pytest.mark.parametrize("repeatable", [True, False])
def test_retries_change_once_and_look_first(waits: list[float], repeatable: bool) -> None:
    shelf = Shelf()
    assert shelf.change(repeatable=repeatable) == "seen"
    assert shelf.log == ["look", "act", "look"]
    assert shelf.change(repeatable=repeatable) == "seen"
    assert shelf.log[3:] == ["look"]
    assert waits == []


def test_retries_believe_what_a_change_answers(waits: list[float]) -> None:
    assert Retries(3, 1.0).until("change it", lambda: "commit", lambda: None) == "commit"


@pytest.mark.parametrize("repeatable", [True, False])
def test_retries_change_nothing_twice_where_only_the_answer_was_lost(
    waits: list[float], repeatable: bool
) -> None:
    shelf = Shelf(LOST)
    assert shelf.change(repeatable=repeatable) == "seen"
    assert shelf.stands == 1


@pytest.mark.parametrize("error", [None, LOST])
def test_retries_wait_for_a_change_that_is_taken_late(waits: list[float], error: HubError | None) -> None:
    """Nothing that cannot be repeated is repeated, and nothing to which the Hub has said yes."""
    shelf = Shelf(error, lag=2)
    assert shelf.change(repeatable=error is None) == "seen"
    assert shelf.log.count("act") == 1
    assert len(waits) == 2


def test_retries_look_again_before_each_try(waits: list[float]) -> None:
    shelf = Shelf(LOST, LOST, taken=(False, False, True))
    assert shelf.change() == "seen"
    assert shelf.log == ["look", "act", "look", *("look", "act", "look") * 2]


def test_retries_repeat_what_cannot_be_repeated_only_where_it_was_surely_not_taken(
    waits: list[float],
) -> None:
    shelf = Shelf(BUSY, LOST, taken=(False, False, True))
    with pytest.raises(HubUnreachable) as caught:
        shelf.change(repeatable=False)
    assert caught.value is LOST
    assert shelf.log.count("act") == 2
    assert len(waits) == 3


@pytest.mark.parametrize(
    "error",
    [
        HubDenied("no right"),
        HubUnreachable("no room", lasting=True),
        HubUnreachable("an hour", retry_after_seconds=3600.0, not_done=True),
    ],
)
def test_retries_of_a_change_end_where_the_answer_would_be_the_same(
    waits: list[float], error: HubError
) -> None:
    shelf = Shelf(error, taken=(False,))
    with pytest.raises(type(error)) as caught:
        shelf.change()
    assert caught.value is error
    assert shelf.log == ["look", "act", "look"]
    assert waits == []


def test_retries_see_what_stands_though_it_was_refused(waits: list[float]) -> None:
    """The Hub refuses a second merge; the first one is what was wanted."""
    assert Shelf(HubError("merged already")).change() == "seen"


def test_retries_name_a_change_of_which_nothing_comes(waits: list[float]) -> None:
    shelf = Shelf(taken=(False,))
    with pytest.raises(HubUnreachable, match="could not change it: the Hub said yes"):
        shelf.change()
    assert shelf.log.count("act") == 1
