"""An API that answers without a password is told from one that does not, by a small server instead of it."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pipeline.errors import InvalidWorkspace
from pipeline.preflight import prefect_api


class Answer(BaseHTTPRequestHandler):
    """Answers as Prefect's API does: with a password only, where the path says so."""

    def do_GET(self) -> None:
        self.send_response(401 if self.path.startswith("/closed") else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_api_that_answers_anybody_is_refused(url: str) -> None:
    with pytest.raises(InvalidWorkspace, match="answers without a password; wanted one"):
        prefect_api.closed(f"{url}/open")


def test_api_that_wants_a_password_is_closed(url: str) -> None:
    assert prefect_api.closed(f"{url}/closed") == f"{url}/closed wants a password"


def test_api_that_does_not_answer_is_no_fault() -> None:
    assert "does not answer" in prefect_api.closed("http://127.0.0.1:9/api")


def test_api_is_asked_where_somebody_names_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    assert prefect_api.address() is None
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    assert prefect_api.address() == "http://127.0.0.1:9/api"
