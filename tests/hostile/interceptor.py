"""Somebody between a client and its Hub: passes everything on, and changes the answers that it likes to."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Answer:
    """What the Hub answered to a request, or what the client shall think that it did."""

    method: str
    path: str
    status: int
    headers: dict[str, str]
    body: bytes

    def saying(self, **headers: str | None) -> Answer:
        """Give the same answer with other headers, `_` for `-`; without those that are None."""
        changed = {name.replace("_", "-").lower(): value for name, value in headers.items()}
        kept = {name: value for name, value in self.headers.items() if name not in changed}
        return replace(
            self, headers=kept | {name: said for name, said in changed.items() if said is not None}
        )

    def holding(self, content: bytes) -> Answer:
        """Give the same answer with another body."""
        return replace(self.saying(Content_Length=str(len(content))), body=content)

    def holding_json(self, content: Any) -> Answer:
        """Give the same answer with another body, as JSON."""
        return self.holding(json.dumps(content).encode())


Change = Callable[[Answer], Answer]


@contextmanager
def between(endpoint: str, change: Change) -> Iterator[str]:
    """Stand before a Hub and hand on its answers as `change` leaves them; gives the address to ask."""
    to = urlsplit(endpoint)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            hub = http.client.HTTPConnection(str(to.hostname), to.port, timeout=20)
            asked = {name: said for name, said in self.headers.items() if name.lower() != "host"}
            hub.request(self.command, self.path, body=sent or None, headers=asked)
            said = hub.getresponse()
            headers = {name.lower(): value for name, value in said.getheaders()}
            found = change(Answer(self.command, self.path, said.status, headers, said.read()))
            hub.close()
            self.send_response(found.status)
            for name, value in found.headers.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(found.body)

        do_GET = do_HEAD = do_POST = pass_on  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
