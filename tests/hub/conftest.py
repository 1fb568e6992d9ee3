"""A Hub to ask, an empty repository on it, and servers that only pretend to be one."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pipeline.hub import Hub
from tests.conftest import Stage
from tests.support import workspaces
from tests.support.hubs import hub_at


@pytest.fixture
def hub(writer: Stage) -> Hub:
    return hub_at()


@pytest.fixture
def tuned(writer: Stage) -> str:
    """An empty model repository."""
    workspaces.forget(writer.endpoint, "tester/hub")
    hub_at().create_repo("tester/hub", private=False)
    return "tester/hub"


class Answer(BaseHTTPRequestHandler):
    """Gives the same answer to everything."""

    status = 200
    body = b"<html>Please log in to this network</html>"

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    do_POST = do_GET  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def answering() -> Iterator[Callable[[int], str]]:
    servers = []

    def start(status: int) -> str:
        handler = type("Answering", (Answer,), {"status": status})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


class Busy(Answer):
    """Refuses the first requests, then passes the rest on to nobody: it says 418."""

    refusals = 1
    code = 503
    headers_of_refusal: tuple[tuple[str, str], ...] = ()

    def do_GET(self) -> None:
        seen: list[str] = self.server.seen  # type: ignore[attr-defined]
        seen.append(f"{self.command} {self.path}")
        self.send_response(self.code if len(seen) <= self.refusals else 418)
        for name, value in self.headers_of_refusal:
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_GET  # noqa: N815


@pytest.fixture
def busy() -> Iterator[Callable[..., tuple[str, list[str]]]]:
    servers = []

    def start(**said: object) -> tuple[str, list[str]]:
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Busy", (Busy,), said))
        server.seen = []  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}", server.seen  # type: ignore[attr-defined]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()
