"""How long a run waits for a Hub that is away, where the step itself asked no longer."""

from collections.abc import Iterator
from pathlib import Path
from time import monotonic

from pipeline.errors import PipelineError
from pipeline.params import load

_LONGEST_SECONDS = 1800.0


def pauses(workspace: Path) -> Iterator[float]:
    """Yield the seconds to wait before each further try, until `hub.patience_hours` have passed.

    They go on growing where the step's own tries stopped: `hub.backoff_seconds`, doubled `hub.retries` times.
    """
    try:
        hub = load(workspace).hub
    except PipelineError:  # which every step says for itself
        return
    end = monotonic() + 3600 * hub.patience_hours
    pause = hub.backoff_seconds * 2**hub.retries
    while (left := end - monotonic()) > 0:
        yield min(pause, _LONGEST_SECONDS, left)
        pause *= 2
