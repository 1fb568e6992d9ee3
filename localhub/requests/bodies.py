"""Bodies of requests: who may send one is asked first, then its size, and only then is it read."""

from __future__ import annotations

import asyncio
import io
import tempfile
from collections.abc import Awaitable, Callable
from typing import IO, Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from localhub.errors import BadRequest, Refusal, TooLarge
from localhub.requests.context import the_hub
from localhub.strict_json import read_json

# Most are a few lines. Those that list a repository's files say so where they are routed.
JSON_BYTES = 512 * 1024
LISTING_BYTES = 8 * 1024 * 1024
# A commit holds its small files; more of it than this lies on disk while it comes.
COMMIT_BYTES = 1 << 30
COMMIT_BYTES_IN_MEMORY = 256 * 1024
# A refused body that is no larger, and comes within this, is read to its end: the client reads the refusal.
DRAINED_BYTES = 1 << 20
DRAINED_SECONDS = 1.0

Allow = Callable[[Request], object]


def with_json(
    endpoint: Callable[[Request, dict[str, Any]], Response], allow: Allow, *, max_bytes: int = JSON_BYTES
) -> Callable[[Request], Awaitable[Response]]:
    """Read a JSON object from whoever `allow` lets, then answer in a thread: git work stays off the loop."""

    def answer(request: Request, body: bytes) -> Response:
        return endpoint(request, read_object(body))

    return with_body(answer, allow, max_bytes=max_bytes)


def with_body(
    endpoint: Callable[[Request, bytes], Response], allow: Allow, *, max_bytes: int = LISTING_BYTES
) -> Callable[[Request], Awaitable[Response]]:
    """Read a whole body from whoever `allow` lets, then answer in a thread."""

    async def answer(request: Request) -> Response:
        file = io.BytesIO()
        await _receive(request, allow, max_bytes, file)
        return await run_in_threadpool(endpoint, request, file.getvalue())

    return answer


def with_file(
    endpoint: Callable[[Request, IO[bytes]], Response], allow: Allow, *, max_bytes: int = COMMIT_BYTES
) -> Callable[[Request], Awaitable[Response]]:
    """Put a body that may be large into a file that has no name, then answer in a thread."""

    async def answer(request: Request) -> Response:
        folder = str(the_hub(request).store.staging)
        with tempfile.SpooledTemporaryFile(COMMIT_BYTES_IN_MEMORY, dir=folder) as file:
            await _receive(request, allow, max_bytes, file)
            await run_in_threadpool(file.seek, 0)
            return await run_in_threadpool(endpoint, request, file)

    return answer


def read_object(body: bytes) -> dict[str, Any]:
    """Read a JSON object; no body is an empty one.

    Raises:
        BadRequest: The body is no JSON object, or holds what no answer could repeat.
    """
    value = read_json(body) if body else {}
    if not isinstance(value, dict):
        raise BadRequest("The body must be a JSON object")
    return value


async def _receive(request: Request, allow: Allow, max_bytes: int, file: IO[bytes]) -> None:
    announced = request.headers.get("content-length", "0")  # the protocol lets nothing through but digits
    if int(announced) > max_bytes:
        raise TooLarge(max_bytes)
    try:
        await run_in_threadpool(allow, request)
    except Refusal:
        if int(announced) <= DRAINED_BYTES:
            await _drain(request)
        raise
    size = 0
    try:
        async for block in request.stream():
            size += len(block)
            if size > max_bytes:
                raise TooLarge(max_bytes)
            if size < COMMIT_BYTES_IN_MEMORY:
                file.write(block)
            else:
                await run_in_threadpool(file.write, block)
    except ClientDisconnect:
        raise BadRequest("The connection was lost before the body was complete") from None


async def _drain(request: Request) -> None:
    size = 0
    try:
        async with asyncio.timeout(DRAINED_SECONDS):
            async for block in request.stream():
                size += len(block)
                if size > DRAINED_BYTES:
                    return
    except (ClientDisconnect, TimeoutError):
        return
