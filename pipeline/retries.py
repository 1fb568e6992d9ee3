"""Asking again after a while, for what is safe to ask twice."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from pipeline.errors import HubUnreachable

# A server that asks for more patience than this is named instead of waited for.
MAX_WAIT_SECONDS = 120.0

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Retries:
    """How often, and how long apart: `hub.retries` and `hub.backoff_seconds`."""

    times: int
    backoff_seconds: float

    def again(self, ask: Callable[[], Answer]) -> Answer:
        """Ask until there is an answer: only for what changes nothing, however often it is asked.

        Raises:
            HubUnreachable: The last time too, or the server asks for more time than anybody waits.
        """
        for attempt in range(self.times):
            try:
                return ask()
            except HubUnreachable as error:
                if error.lasting or (error.retry_after_seconds or 0.0) > MAX_WAIT_SECONDS:
                    raise
                self.wait(attempt, error.retry_after_seconds)
        return ask()

    def wait(self, attempt: int, retry_after_seconds: float | None = None) -> None:
        """Wait twice as long as the last time, less up to half of it by chance, or what the server said.

        The chance keeps many clients that failed together from coming back together.
        """
        longest = min(MAX_WAIT_SECONDS, self.backoff_seconds * 2**attempt)
        time.sleep(max(retry_after_seconds or 0.0, longest * random.uniform(0.5, 1.0)))
