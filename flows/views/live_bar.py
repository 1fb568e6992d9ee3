"""The bar of a step on its run's page, moved by a thread of its own: no step waits for Prefect's server."""

import contextlib
import contextvars
import threading
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact

from flows import server
from flows.views.progress import Progress

SECONDS_BETWEEN_TELLS = 10.0
# For the last state, at the step's end; a server that takes longer keeps what it has.
SECONDS_TO_END = 5.0


class LiveBar:
    """One bar: the newest state is told every ten seconds, and the last one at the end."""

    def __init__(self, step: str) -> None:
        self._step = step
        self._newest: Progress | None = None
        self._artifact: UUID | None = None
        self._ended = threading.Event()
        # The thread works for the run in which the bar was made.
        context = contextvars.copy_context()
        self._thread = threading.Thread(target=context.run, args=[self._tell_on], daemon=True)

    def show(self, newest: Progress) -> None:
        """Take in how far the step is, and return at once."""
        self._newest = newest
        if self._thread.ident is None:
            self._thread.start()

    def close(self) -> None:
        """Tell the last state, where the server takes it in time."""
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join(SECONDS_TO_END)

    def _tell_on(self) -> None:
        told, last = None, False
        while not last:
            last = self._ended.is_set()
            newest = self._newest
            if newest is not None and newest != told:
                with contextlib.suppress(*server.AWAY):
                    self._tell(newest)
                    told = newest
            self._ended.wait(SECONDS_BETWEEN_TELLS)

    def _tell(self, newest: Progress) -> None:
        if self._artifact is None:
            made = create_progress_artifact(newest.percent, key=self._step, description=str(newest))
            self._artifact = made if isinstance(made, UUID) else None
        else:
            update_progress_artifact(self._artifact, newest.percent, description=str(newest))
