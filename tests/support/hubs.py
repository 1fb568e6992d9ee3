"""The pipeline's own client, as patient as a test."""

from pipeline.hub import Hub
from pipeline.params.machine import HubParams


def everything(path: str) -> bool:
    """Take every file of a repository."""
    return True


def hub_at(endpoint: str | None = None, seconds: float = 20, plain_http: tuple[str, ...] = ()) -> Hub:
    """Return a client of a Hub, or of the one that the environment names."""
    return Hub(
        HubParams(
            endpoint=endpoint,
            plain_http=plain_http,
            xet=False,
            timeout_seconds=seconds,
            download_timeout_seconds=seconds,
            retries=2,
            backoff_seconds=0.05,
            patience_hours=0,
        )
    )
