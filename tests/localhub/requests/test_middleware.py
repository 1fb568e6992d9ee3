from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator

import pytest
from huggingface_hub.errors import RepositoryNotFoundError
from huggingface_hub.utils._http import get_session
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from localhub.errors import TooSlow
from localhub.requests import middleware
from localhub.requests.middleware import Patience
from tests.localhub.conftest import TestHub

NUMBER = re.compile(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}")


@pytest.mark.parametrize(
    ("address", "status"),
    [("/", 200), ("/api/models/{model}", 200), ("/{model}/resolve/main/model.safetensors", 302),
     ("/a/b", 404), ("/api/models/a/b", 401), ("/api/whoami-v2", 401), ("/api/nothing/at/all/here", 404)],
)  # fmt: skip
def test_middleware_every_answer_has_a_number_that_the_log_has_too(
    hub: TestHub, model: str, address: str, status: int
) -> None:
    answer = get_session().get(hub.endpoint + address.format(model=model), follow_redirects=False)
    number = answer.headers["X-Request-Id"]
    assert (answer.status_code, bool(NUMBER.fullmatch(number))) == (status, True)
    assert number in hub.log.read_text()


def test_middleware_the_client_shows_the_number(hub: TestHub) -> None:
    with pytest.raises(RepositoryNotFoundError) as refused:
        hub.owner.delete_repo("ann/nothing-here")
    assert f"(Request ID: {refused.value.response.headers['X-Request-Id']})" in str(refused.value)


def test_middleware_a_name_that_is_not_this_servers_gets_a_number_too(hub: TestHub) -> None:
    answer = get_session().get(hub.endpoint, headers={"Host": "rebound.example"})
    assert (answer.status_code, "X-Request-Id" in answer.headers) == (400, True)


@pytest.mark.parametrize(("idle", "pause", "least"), [(0.05, 1.0, 1), (5.0, 0.02, 10**6)])
def test_middleware_a_body_that_comes_too_slowly_is_refused(
    monkeypatch: pytest.MonkeyPatch, idle: float, pause: float, least: int
) -> None:
    """Nothing for a while is too slow, and so is a drop now and then."""
    monkeypatch.setattr(middleware, "IDLE_SECONDS", idle)
    monkeypatch.setattr(middleware, "LEAST_BYTES_PER_SECOND", least)
    if idle > 1:
        monkeypatch.setattr(middleware, "IDLE_SECONDS", 0.2)

    async def drip() -> Message:
        await asyncio.sleep(pause)
        return {"type": "http.request", "body": b"1", "more_body": True}

    with pytest.raises(TooSlow):
        asyncio.run(_read(drip))


def test_middleware_a_body_that_is_there_is_read_and_what_follows_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(middleware, "IDLE_SECONDS", 0.05)
    parts: Iterator[Message] = iter(
        [{"type": "http.request", "body": b"1", "more_body": True}, {"type": "http.request", "body": b"2"}]
    )

    async def receive() -> Message:
        message = next(parts, None)
        if message is None:
            await asyncio.sleep(0.1)
            return {"type": "http.disconnect"}
        return message

    assert asyncio.run(_read(receive)) == b"12"


async def _read(receive: Receive) -> bytes:
    got = b""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal got
        got = await Request(scope, receive).body()
        assert (await receive())["type"] == "http.disconnect"

    async def send(_: Message) -> None:
        raise AssertionError

    await Patience(app)({"type": "http", "method": "POST", "headers": []}, receive, send)
    return got
