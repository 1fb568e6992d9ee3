"""What surrounds every answer: its number, its line in the log, its raw address, and patience that ends."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from localhub.errors import TooSlow

# A body is read as long as it comes: something within this, and so much in all.
IDLE_SECONDS = 30.0
LEAST_BYTES_PER_SECOND = 1024

logger = logging.getLogger("localhub")


class RawPath:
    """Route on the address as it was sent: in `refs%2Fpr%2F1` the slashes do not separate."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its raw path."""
        if scope["type"] == "http":
            scope = {**scope, "path": scope["raw_path"].decode("latin-1")}
        await self.app(scope, receive, send)


class RequestLog:
    """Number each request, and log its answer in one line.

    The number is the answer's `X-Request-Id`, which the client puts into its messages. The line is without
    the query: upload links carry their signature there.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; the line is written before the answer, so whoever has one finds the other."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start, number = time.monotonic(), f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)}"

        def log(status: int) -> None:
            path = scope["raw_path"].decode("latin-1")
            seconds = time.monotonic() - start
            logger.info("%s %s %d %.0f ms %s", scope["method"], path, status, seconds * 1000, number)

        async def log_and_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                log(message["status"])
                headers = [*message.get("headers", []), (b"x-request-id", number.encode())]
                message = {**message, "headers": headers}
            await send(message)

        try:
            await self.app(scope, receive, log_and_send)
        except Exception:
            log(500)
            raise


class Patience:
    """End a request whose body comes too slowly.

    Raises:
        TooSlow: Nothing came for `IDLE_SECONDS`, or less in all than `LEAST_BYTES_PER_SECOND` after that.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with a `receive` that looks at the clock as long as there is a body."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        loop = asyncio.get_running_loop()
        start, came, complete = loop.time(), 0, False

        async def receive_in_time() -> Message:
            nonlocal came, complete
            if complete:
                return await receive()
            last = start + IDLE_SECONDS + came / LEAST_BYTES_PER_SECOND
            try:
                async with asyncio.timeout_at(min(last, loop.time() + IDLE_SECONDS)):
                    message = await receive()
            except TimeoutError:
                raise TooSlow(came) from None
            came += len(message.get("body", b""))
            complete = not message.get("more_body", False)
            return message

        await self.app(scope, receive_in_time, send)
