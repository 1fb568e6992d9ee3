"""Asking again after a while, for what is safe to ask twice."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from pipeline.errors import HubError, HubUnreachable

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

    def until(self, act: Callable[[], object], done: Callable[[], Answer | None]) -> Answer | None:
        """Do something until it is seen to be done: for what must not be repeated where it was done already.

        Args:
            act: Does it; asked again only where nothing answered, and `done` has seen nothing.
            done: Looks, after each try, also after one that failed.

        Returns:
            What `done` has seen; None where the act went well and there is nothing to be seen of it.

        Raises:
            HubError: The last try failed.
        """
        for attempt in range(self.times + 1):
            failed: HubError | None = None
            try:
                act()
            except HubError as error:
                failed = error
            seen = done()
            if seen is not None:
                return seen
            if not isinstance(failed, HubUnreachable) or failed.lasting or attempt == self.times:
                break
            self.wait(attempt, failed.retry_after_seconds)
        if failed is not None:
            raise failed
        return None

    def wait(self, attempt: int, retry_after_seconds: float | None = None) -> None:
        """Wait twice as long as the last time, less up to half of it by chance, or what the server said.

        The chance keeps many clients that failed together from coming back together.
        """
        longest = min(MAX_WAIT_SECONDS, self.backoff_seconds * 2**attempt)
        time.sleep(max(retry_after_seconds or 0.0, longest * random.uniform(0.5, 1.0)))
