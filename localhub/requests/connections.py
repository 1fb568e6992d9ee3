"""Connections that do not wait for ever: half a request, or an answer that nobody takes, ends in time."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

# A request's line and headers come within this, also where the connection is older.
HEAD_SECONDS = 20.0
# What comes after the answer to it is thrown away for this long.
LINGER_SECONDS = 2.0
# Whoever asked takes some of the answer within this.
SEND_SECONDS = 60.0


class ImpatientProtocol(H11Protocol):
    """uvicorn's protocol, which of itself waits for ever for a request's first line to end."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._head_timer: asyncio.TimerHandle | None = None
        self._send_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._watch(fresh=True)

    def data_received(self, data: bytes) -> None:
        """Read on, and see whether a request is still half sent."""
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """End the answer, and see whether the request that it answers is still being sent."""
        super().on_response_complete()
        self._watch()

    def pause_writing(self) -> None:
        """Begin to wait for a peer that takes none of its answer."""
        super().pause_writing()
        self._send_timer = self.loop.call_later(SEND_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """Stop waiting: the peer took some."""
        super().resume_writing()
        _cancel(self._send_timer)
        self._send_timer = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timers."""
        _cancel(self._head_timer)
        _cancel(self._send_timer)
        super().connection_lost(exc)

    def _watch(self, *, fresh: bool = False) -> None:
        theirs, ours = self.conn.their_state, self.conn.our_state
        half_a_head = theirs is h11.IDLE and (fresh or bool(self.conn.trailing_data[0]))
        # Closed at once, the connection might take the answer with it.
        half_a_body = theirs is h11.SEND_BODY and ours is h11.DONE
        if not half_a_head and not half_a_body:
            _cancel(self._head_timer)
            self._head_timer = None
        elif self._head_timer is None:
            seconds = HEAD_SECONDS if half_a_head else LINGER_SECONDS
            self._head_timer = self.loop.call_later(seconds, self.transport.abort)


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()
