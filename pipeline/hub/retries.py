"""Asking again after a while; and changing something once, however often an answer is lost."""

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
                if not _passes(error):
                    raise
                self.wait(attempt, error.retry_after_seconds)
        return ask()

    def until(
        self,
        action: str,
        act: Callable[[], Answer | None],
        look: Callable[[], Answer | None],
        *,
        repeatable: bool = True,
    ) -> Answer:
        """Change something and look until it is seen to be done: never blindly again, nor after a yes.

        Args:
            action: What is changed, as in "could not …".
            act: Changes it. What it returns, where that is not None, counts as seen.
            look: Returns what is to be seen of the change once it is done, None before. It comes first of
                all, after each try and again before the next one.
            repeatable: The Hub refuses a second change where the first was taken after all. If not, it is
                tried again only where the first was surely not taken.

        Returns:
            What was seen.

        Raises:
            HubError: The Hub refused.
            HubUnreachable: Nothing answered to the end, or the Hub said yes and nothing came of it.
        """
        seen = look()
        failed: HubError | None = None
        may_act = True
        for attempt in range(self.times + 1):
            if attempt > 0:
                asked = failed.retry_after_seconds if isinstance(failed, HubUnreachable) else None
                self.wait(attempt - 1, asked)
                seen = look()
            if seen is None and may_act:
                try:
                    seen, failed = act(), None
                except HubError as error:
                    failed = error
                may_act = isinstance(failed, HubUnreachable) and (repeatable or failed.not_done)
                seen = look() if seen is None else seen
            if seen is not None:
                return seen
            if failed is not None and not _passes(failed):
                break
        raise failed or HubUnreachable(
            f"could not {action}: the Hub said yes, and nothing is to be seen of it. Run it again in a while"
        )

    def wait(self, attempt: int, retry_after_seconds: float | None = None) -> None:
        """Wait twice as long as the last time, less up to half of it by chance, or what the server said.

        The chance keeps many clients that failed together from coming back together.
        """
        longest = min(MAX_WAIT_SECONDS, self.backoff_seconds * 2**attempt)
        time.sleep(max(retry_after_seconds or 0.0, longest * random.uniform(0.5, 1.0)))


def _passes(error: HubError) -> bool:
    """Return whether another answer can be had after a wait that somebody is ready to wait."""
    return (
        isinstance(error, HubUnreachable)
        and not error.lasting
        and (error.retry_after_seconds or 0.0) <= MAX_WAIT_SECONDS
    )
