"""The library of an experiment tracker, before a run has something to tell it.

`track` asks here too: it has no token, and imports nothing that speaks to the Hub.
"""

import importlib.util
import sys

from pipeline.errors import InvalidWorkspace
from pipeline.params.machine import TrackingParams

# The extras of pyproject.toml ask for the same.
_TRACKERS = {"mlflow": "mlflow-skinny>=3.17,<4", "trackio": "trackio>=0.43,<1"}


def installed(how: TrackingParams) -> str:
    """Say which tracker is told of candidates.

    Raises:
        InvalidWorkspace: Its library is not installed.
    """
    if importlib.util.find_spec(how.kind) is None:
        raise missing(how, f"no module {how.kind}")
    return f"{how.kind} is installed, and is told of each candidate in project {how.project}"


def missing(how: TrackingParams, found: str) -> InvalidWorkspace:
    """Return what to say where a tracker's library cannot be imported."""
    return InvalidWorkspace(
        f"tracking.kind is {how.kind}, and its library is not here ({found}); wanted the extra {how.kind}. "
        f"Run `{sys.executable} -m pip install '{_TRACKERS[how.kind]}'`, or set tracking to null"
    )
