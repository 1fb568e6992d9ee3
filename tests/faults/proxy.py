"""A proxy between a client and a server that can do to every request what a network does: see `plans.Fate`.

`python -m tests.faults.proxy --to HOST:PORT --plan FILE --log FILE` prints its address and serves until it is
killed or its parent is. The plan is read again at every request; the log has one JSON line for each.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import itertools
import json
import os
import signal
import socket
import sys
import threading
import time
from collections import Counter
from pathlib import Path

from tests.faults import plans
from tests.faults.plans import Plan
from tests.faults.wire import Broken, Head, Stream

ANSWERS = {401: "Unauthorized", 429: "Too Many Requests", 500: "Internal Server Error"} | {
    503: "Service Unavailable",
    507: "Insufficient Storage",
}


class Proxy:
    """Counts requests, recognises the one that is meant, and does to it what the plan says."""

    def __init__(self, to: tuple[str, int], plan: Path, log: Path, port: int) -> None:
        self._to, self._plan_file, self._log = to, plan, log
        self._lock = threading.Lock()
        self._plan = Plan()
        self._seen: Counter[str] = Counter()
        self._struck = False
        self.listener = _listen(port)
        self.port = int(self.listener.getsockname()[1])

    def serve(self) -> None:
        """Take connections, each in a thread; while a plan refuses them, nobody listens."""
        while True:
            if self._refuses():
                self.listener.close()
                while self._refuses():
                    time.sleep(0.01)
                self.listener = _listen(self.port)
            self.listener.settimeout(0.02)
            try:
                sock, _ = self.listener.accept()
            except TimeoutError:
                continue
            sock.settimeout(None)
            threading.Thread(target=self._converse, args=(Stream(sock),), daemon=True).start()

    def _refuses(self) -> bool:
        with self._lock:
            self._reread()
            return self._struck and self._plan.fate == "refuse" and self._plan.stays

    def _reread(self) -> None:
        plan = plans.read(self._plan_file)
        if plan != self._plan:
            self._plan, self._struck = plan, False
            self._seen.clear()

    def _converse(self, client: Stream) -> None:
        try:
            while (head := client.read_head()) is not None:
                plan, struck = self._judge(head)
                if struck:
                    try:
                        stays = self._strike(plan, head, client)
                    finally:
                        self._write({"plan": plan.id, "fate": "done"})
                else:
                    stays = self._forward(head, client)
                if not stays:
                    break
        except (Broken, OSError, ValueError):
            client.reset()
        else:
            client.close()

    def _judge(self, head: Head) -> tuple[Plan, bool]:
        with self._lock:
            self._reread()
            plan, request = self._plan, plans.name(head.method, head.target)
            self._seen[""] += 1
            self._seen[request] += 1
            number = self._seen[""]
            meant = number == plan.number or (
                request == plan.request and self._seen[request] == plan.occurrence
            )
            struck = plan.fate != "pass" and (meant or (self._struck and plan.stays))
            self._struck = self._struck or struck
            line: dict[str, object] = {
                "plan": plan.id,
                "number": number,
                "method": head.method,
                "path": head.target.split("?")[0],
            }
            line |= {"request": request, "occurrence": self._seen[request], "has_body": head.has_request_body}
            line |= {"fate": plan.fate if struck else "pass"}
            self._write(line)
        return plan, struck

    def _write(self, line: dict[str, object]) -> None:
        with self._log.open("ab", buffering=0) as file:  # one write, so that lines stay whole
            file.write(json.dumps(line).encode() + b"\n")

    def _strike(self, plan: Plan, head: Head, client: Stream) -> bool:
        match plan.fate:
            case "refuse":
                raise Broken("refused")
            case "cut":
                self._forward_half(head, client)
                raise Broken("cut")
            case "mute":
                self._ask(head, client)
                raise Broken("mute")
            case "slow":
                answer = self._ask(head, client)
                time.sleep(plan.seconds)
                client.send(answer)
            case "late":
                body = b"".join(client.request_body(head))
                time.sleep(plan.seconds)
                _exchange(self._to, head, body)
                raise Broken("late")
            case "answer":
                for _ in client.request_body(head):
                    pass
                client.send(_answer(plan, head.method))
            case "kill":
                _kill(plan)
                raise Broken("killed")
            case "kill-after":
                self._ask(head, client)
                _kill(plan)
                raise Broken("killed")
            case "kill-later":
                client.send(self._ask(head, client))
                time.sleep(plan.seconds)
                _kill(plan)
            case _:
                while not Path(plan.go_file).exists():
                    time.sleep(0.002)
                return self._forward(head, client)
        return True

    def _ask(self, head: Head, client: Stream) -> bytes:
        return _exchange(self._to, head, b"".join(client.request_body(head)))

    def _forward_half(self, head: Head, client: Stream) -> None:
        body = b"".join(client.request_body(head))
        server = _connect(self._to)
        server.send(head.raw + body[: len(body) // 2])
        server.close()

    def _forward(self, head: Head, client: Stream) -> bool:
        server = _connect(self._to)
        try:
            server.send(head.raw)
            answer = _continue(server, head, client)
            if answer is None:
                for piece in client.request_body(head):
                    server.send(piece)
                answer = _final(server, client)
            client.send(answer.raw)
            for piece in server.response_body(answer, head.method):
                client.send(piece)
        finally:
            server.close()
        is_framed = answer.is_chunked or answer.length is not None or head.method == "HEAD"
        closes = (
            "close" in (head.headers.get("connection", "") + answer.headers.get("connection", "")).lower()
        )
        return (is_framed or answer.status in (204, 304)) and not closes


def _continue(server: Stream, head: Head, client: Stream) -> Head | None:
    # Whoever sends "Expect: 100-continue" keeps its body until the server asks for it, or answers without it.
    if head.headers.get("expect", "").lower() != "100-continue":
        return None
    answer = server.read_head()
    if answer is None:
        raise Broken("the server said nothing")
    if answer.status != 100:
        return answer
    client.send(answer.raw)
    return None


def _final(server: Stream, client: Stream | None) -> Head:
    for _ in itertools.count():
        answer = server.read_head()
        if answer is None:
            raise Broken("the server said nothing")
        if answer.status >= 200:
            return answer
        if client is not None:
            client.send(answer.raw)
    raise AssertionError


def _exchange(to: tuple[str, int], head: Head, body: bytes) -> bytes:
    server = _connect(to)
    try:
        server.send(head.raw + body)
        answer = _final(server, None)
        return answer.raw + b"".join(server.response_body(answer, head.method))
    finally:
        server.close()


def _answer(plan: Plan, method: str) -> bytes:
    body = json.dumps({"error": f"the proxy says {plan.status}"}).encode()
    lines = [f"HTTP/1.1 {plan.status} {ANSWERS.get(plan.status, 'Error')}", "Content-Type: application/json"]
    lines += [f"Content-Length: {len(body)}"]
    if plan.retry_after is not None:
        lines += [f"Retry-After: {plan.retry_after}"]
    # To a HEAD there is no body, whatever its length is said to be.
    return "\r\n".join([*lines, "", ""]).encode() + (b"" if method == "HEAD" else body)


def _kill(plan: Plan) -> None:
    file = Path(plan.pid_file)
    while not file.exists():
        time.sleep(0.002)
    with contextlib.suppress(ProcessLookupError):  # it ended by itself
        os.kill(int(file.read_text()), signal.SIGKILL)


def _connect(to: tuple[str, int]) -> Stream:
    return Stream(socket.create_connection(to, timeout=60))


def _listen(port: int) -> socket.socket:
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", port))
    sock.listen(128)
    return sock


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", required=True, metavar="HOST:PORT")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--plan", type=Path, required=True)
    parser.add_argument("--log", type=Path, required=True)
    options = parser.parse_args()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    host, _, port = options.to.rpartition(":")
    proxy = Proxy((host, int(port)), options.plan, options.log, options.port)
    print(f"http://127.0.0.1:{proxy.port}", flush=True)
    proxy.serve()


if __name__ == "__main__":
    main()
