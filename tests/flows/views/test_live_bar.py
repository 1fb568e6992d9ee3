"""The bar on a run's page, beside a server that is slow or away."""

import threading
import time
import uuid
from typing import Any

import httpx
import pytest

from flows.views import live_bar
from flows.views.progress import Progress

MADE = uuid.uuid4()


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, float, str]]:
    """What a server heard that answers at once."""
    heard: list[tuple[str, float, str]] = []

    def create(percent: float, key: str, description: str) -> uuid.UUID:
        heard.append((key, percent, description))
        return MADE

    def update(artifact: uuid.UUID, percent: float, description: str) -> None:
        assert artifact == MADE
        heard.append(("again", percent, description))

    monkeypatch.setattr(live_bar, "create_progress_artifact", create)
    monkeypatch.setattr(live_bar, "update_progress_artifact", update)
    return heard


def test_bar_tells_the_first_state_at_once_and_the_last_at_the_end(
    told: list[tuple[str, float, str]],
) -> None:
    bar = live_bar.LiveBar("train")
    bar.show(Progress("train", 1, 4))
    while not told:
        time.sleep(0.01)
    bar.show(Progress("train", 2, 4))
    bar.show(Progress("train", 4, 4))
    bar.close()
    assert told == [("train", 25.0, "train: 1 of 4 steps"), ("again", 100.0, "train: 4 of 4 steps")]


def test_bar_of_a_step_that_says_nothing_is_none(told: list[tuple[str, float, str]]) -> None:
    live_bar.LiveBar("pin").close()
    assert told == []


def test_step_waits_for_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = threading.Event()

    def slow(*_: Any, **__: Any) -> uuid.UUID:
        answers.wait(30)
        raise httpx.ConnectError("away")

    monkeypatch.setattr(live_bar, "create_progress_artifact", slow)
    monkeypatch.setattr(live_bar, "SECONDS_TO_END", 0.1)
    before = set(threading.enumerate())
    bar = live_bar.LiveBar("train")
    begin = time.monotonic()
    for done in range(100):
        bar.show(Progress("train", done, 100))
    bar.close()
    assert time.monotonic() - begin < 10
    answers.set()
    for thread in set(threading.enumerate()) - before:  # or it asks a real server behind this test
        thread.join()
