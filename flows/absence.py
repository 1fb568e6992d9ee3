"""A server that is away, in few lines however long it lasts: when it went, each hour, when it is back."""

import time
from collections.abc import Callable

_SECONDS_BETWEEN_LINES = 3600.0


class Absence:
    """Knows since when the server does not answer the worker, which asks it every few seconds."""

    def __init__(self, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with a server that is there.

        Args:
            say: Gets each line.
            clock: Seconds.
        """
        self._say, self._clock = say, clock
        self._since: float | None = None
        self._said = 0.0

    def failed(self, how: str) -> None:
        """Take in that it did not answer, and how it did not."""
        now = self._clock()
        if self._since is None:
            self._since = self._said = now
            self._say(f"Prefect's server {how}; the worker goes on, and so does its run")
        elif now - self._said >= _SECONDS_BETWEEN_LINES:
            self._said = now
            self._say(f"Prefect's server {how}, for {(now - self._since) / 3600:.0f} hours by now")

    def answered(self) -> None:
        """Take in that it did."""
        if self._since is not None:
            self._say(
                f"Prefect's server answers again, after {(self._clock() - self._since) / 60:.0f} minutes"
            )
            self._since = None
