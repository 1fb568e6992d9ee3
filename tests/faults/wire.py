"""HTTP/1.1 as far as a proxy must know it: where a message's head ends, and where its body does."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

PIECE_BYTES = 64 * 1024


class Broken(Exception):
    """The other side went away in the middle of a message."""


@dataclass(frozen=True)
class Head:
    """A first line and its headers, and the bytes that they were."""

    raw: bytes
    first: str
    headers: dict[str, str]

    @property
    def method(self) -> str:
        """Of a request: GET, POST, …"""
        return self.first.split(" ")[0]

    @property
    def target(self) -> str:
        """Of a request: the address with its query."""
        return self.first.split(" ")[1]

    @property
    def status(self) -> int:
        """Of a response."""
        return int(self.first.split(" ")[1])

    @property
    def is_chunked(self) -> bool:
        return "chunked" in self.headers.get("transfer-encoding", "").lower()

    @property
    def length(self) -> int | None:
        """What Content-Length says; None where there is none."""
        return int(self.headers["content-length"]) if "content-length" in self.headers else None

    @property
    def has_request_body(self) -> bool:
        return self.is_chunked or bool(self.length)


class Stream:
    """A connection, read in messages."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        # A head and its body are two sends; the second would wait 40 ms for the first one's receipt.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file: BinaryIO = sock.makefile("rb")

    def send(self, data: bytes) -> None:
        """Send all of it."""
        self.sock.sendall(data)

    def read_head(self) -> Head | None:
        """Read a head; None where the other side closed before it began one."""
        lines: list[bytes] = []
        while True:
            line = self._file.readline(PIECE_BYTES)
            if not line and not lines:
                return None
            if not line.endswith(b"\n"):
                raise Broken("in a head")
            if line in (b"\r\n", b"\n"):
                if lines:
                    return _head([*lines, line])
                continue  # an empty line before a request is allowed
            lines.append(line)

    def request_body(self, head: Head) -> Iterator[bytes]:
        """Yield a request's body in pieces, as it was sent."""
        if head.is_chunked:
            yield from self._chunks()
        else:
            yield from self._exactly(head.length or 0)

    def response_body(self, head: Head, method: str) -> Iterator[bytes]:
        """Yield a response's body in pieces, as it was sent; without a length it ends with the connection."""
        if method == "HEAD" or head.status < 200 or head.status in (204, 304):
            return
        if head.is_chunked:
            yield from self._chunks()
        elif head.length is not None:
            yield from self._exactly(head.length)
        else:
            while piece := self._file.read1(PIECE_BYTES):  # type: ignore[attr-defined]
                yield piece

    def reset(self) -> None:
        """Cut the connection: the other side gets a reset, not an orderly end."""
        linger = (1).to_bytes(4, "little") + (0).to_bytes(4, "little")
        with contextlib.suppress(OSError):
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.close()

    def close(self) -> None:
        """End the connection."""
        self._file.close()
        self.sock.close()

    def _exactly(self, count: int) -> Iterator[bytes]:
        while count:
            piece = self._file.read1(min(count, PIECE_BYTES))  # type: ignore[attr-defined]
            if not piece:
                raise Broken("in a body")
            count -= len(piece)
            yield piece

    def _chunks(self) -> Iterator[bytes]:
        while True:
            line = self._line()
            size = int(line.split(b";")[0], 16)
            yield line
            if size == 0:
                break
            yield from self._exactly(size + 2)  # the line's end is part of a chunk
        while (line := self._line()) not in (b"\r\n", b"\n"):
            yield line
        yield line

    def _line(self) -> bytes:
        line = self._file.readline(PIECE_BYTES)
        if not line.endswith(b"\n"):
            raise Broken("in a chunk")
        return line


def _head(lines: list[bytes]) -> Head:
    headers = {}
    for line in lines[1:-1]:
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    return Head(b"".join(lines), lines[0].decode("latin-1").strip(), headers)
