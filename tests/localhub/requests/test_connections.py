from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from localhub.requests import connections
from localhub.requests.connections import ImpatientProtocol

SECONDS = 0.3
LONG = 50_000_000
WHOLE = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n"


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A server of two answers: a short one, and one that no socket's buffers hold."""
    for name in ("HEAD_SECONDS", "SEND_SECONDS", "LINGER_SECONDS"):
        monkeypatch.setattr(connections, name, SECONDS)

    async def short(_: Request) -> Response:
        return PlainTextResponse("here")

    async def long(_: Request) -> Response:
        return PlainTextResponse("0" * LONG)

    app = Starlette(routes=[Route("/", short, methods=["GET", "POST"]), Route("/long", long)])
    config = uvicorn.Config(
        app, http=ImpatientProtocol, log_config=None, lifespan="off", timeout_keep_alive=30
    )
    server = uvicorn.Server(config)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=asyncio.run, args=(server.serve(sockets=[listening]),))
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join()


def read_answer(connection: socket.socket) -> None:
    """Read the whole of the short answer."""
    connection.settimeout(5)
    got = b""
    while not got.endswith(b"here"):
        more = connection.recv(65536)
        assert more, "the connection ended"
        got += more


def read_to_the_end(connection: socket.socket, seconds: float = 5) -> int:
    """Read until the other side ends the connection, and return how much came.

    Raises:
        TimeoutError: It does not end, and sends nothing.
    """
    connection.settimeout(seconds)
    size = 0
    try:
        while got := connection.recv(65536):
            size += len(got)
    except ConnectionError:
        pass
    return size


def send_slowly(connection: socket.socket, seconds: float) -> None:
    """Send a byte now and then for as long as that goes."""
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        connection.sendall(b"1")
        time.sleep(SECONDS / 5)


@pytest.mark.parametrize(
    "sent",
    [b"", b"GET", b"GET / HTTP/1.1\r\nHost: a\r\n", WHOLE + b"GET / HT", POST + b"half", b"\r\n"],
    ids=["nothing", "half a word", "half a head", "half of the second", "half a body", "an empty line"],
)
def test_connections_that_send_half_a_request_are_ended(port: int, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(sent)
        read_to_the_end(connection)


@pytest.mark.parametrize("head", [b"GET / HTTP/1.1\r\nHost: a\r\nX-A: ", POST], ids=["head", "body"])
def test_connections_that_send_a_byte_now_and_then_are_ended_too(port: int, head: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(head)
        with pytest.raises(ConnectionError):
            send_slowly(connection, 10)


def test_connections_that_take_none_of_an_answer_are_ended(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"GET /long HTTP/1.1\r\nHost: a\r\n\r\n")
        time.sleep(SECONDS * 4)
        assert read_to_the_end(connection) < LONG


def test_connections_between_two_requests_stay(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        for _ in range(2):
            connection.sendall(WHOLE[:20])
            time.sleep(SECONDS / 3)
            connection.sendall(WHOLE[20:])
            read_answer(connection)
            with pytest.raises(TimeoutError):
                read_to_the_end(connection, SECONDS * 2)


def test_connections_that_half_ask_by_the_hundred_leave_the_server_free(port: int) -> None:
    waiting = [socket.create_connection(("127.0.0.1", port)) for _ in range(300)]
    for connection in waiting:
        connection.sendall(b"POST /a HTTP/1.1\r\nHost")
    with socket.create_connection(("127.0.0.1", port)) as other:
        other.sendall(WHOLE)
        read_answer(other)
    for connection in waiting:
        read_to_the_end(connection)
        connection.close()
