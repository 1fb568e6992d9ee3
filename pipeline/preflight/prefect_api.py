"""Whether the API that starts the runs lets in whoever reaches it."""

import os
import urllib.error
import urllib.request
from http import HTTPStatus

from pipeline.errors import InvalidWorkspace

_SECONDS_TO_ANSWER = 10


def address() -> str | None:
    """Return the API that this process was told of; None where it was told of none."""
    return os.environ.get("PREFECT_API_URL") or None


def closed(url: str) -> str:
    """Make sure that Prefect's API answers nobody without its password.

    Args:
        url: Its address, as in `PREFECT_API_URL`.

    Returns:
        What was found; an API that does not answer is no fault: a run goes on without.

    Raises:
        InvalidWorkspace: It answered without a password: every web page that is open in a browser on this
            machine can start a run.
    """
    try:
        urllib.request.urlopen(f"{url}/admin/version", timeout=_SECONDS_TO_ANSWER).close()
    except urllib.error.HTTPError as error:
        with error:
            status = error.code
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            return f"{url} wants a password"
        return f"{url} answers {status}"
    except OSError as error:
        return f"{url} does not answer ({getattr(error, 'reason', error)})"
    raise InvalidWorkspace(
        f"{url} answers without a password; wanted one, because whoever reaches it can start runs, also a "
        "web page in a browser of this machine. Set PREFECT_SERVER_API_AUTH_STRING for the server and "
        "PREFECT_API_AUTH_STRING for worker and commands, see docs/operating.md"
    )
