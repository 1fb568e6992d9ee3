"""What the Hub's client raises becomes one message that says what to do."""

from collections.abc import Iterator
from contextlib import contextmanager
from json import JSONDecodeError

import httpx2
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils._http import parse_ratelimit_headers

from pipeline.errors import (
    DISK_FULL,
    HubDenied,
    HubError,
    HubMoved,
    HubNotFound,
    HubUnreachable,
    InvalidWorkspace,
    first_line,
)
from pipeline.hub import surroundings

# No room on the disk, in a quota, or under a limit on the size of a file.


@contextmanager
def translated(endpoint: str, action: str) -> Iterator[None]:
    """Turn what the client raises into one `HubError` that says what to do.

    Args:
        endpoint: The Hub's address.
        action: What was tried, as in "could not …".
    """
    try:
        yield
    except GatedRepoError:
        raise HubDenied(
            f"could not {action}: the repository is gated. Ask for access on its page at {endpoint}"
        ) from None
    except RepositoryNotFoundError:
        raise HubNotFound(
            f"could not {action}: {endpoint} has no such repository, or this token may not see it. "
            "Check the name in params.yaml and the token's rights"
        ) from None
    except RevisionNotFoundError:
        raise HubNotFound(
            f"could not {action}: the repository has no such revision. Copy the commit again from its history"
        ) from None
    except OfflineModeIsEnabled:
        raise HubUnreachable(
            f"could not {action}: HF_HUB_OFFLINE is set, and this asks {endpoint}. Unset it", lasting=True
        ) from None
    except (HFValidationError, httpx2.InvalidURL) as error:
        raise HubNotFound(
            f"could not {action} at {endpoint}: {first_line(error)}. Correct the name in params.yaml"
        ) from None
    except (LocalEntryNotFoundError, httpx2.RequestError, TimeoutError) as error:
        cause = error.__cause__ or error
        if isinstance(cause, HfHubHTTPError):
            raise _refusal(action, cause) from None
        raise HubUnreachable(
            f"could not {action}: {endpoint} did not answer ({type(cause).__name__}). "
            "Check the address (hub.endpoint) and the network, then run it again",
            not_done=isinstance(cause, httpx2.ConnectError | httpx2.ConnectTimeout),
        ) from None
    except HfHubHTTPError as error:
        raise _refusal(action, error) from None
    except UnicodeDecodeError:
        surroundings.token()  # the same, where it is no text
        raise
    except JSONDecodeError:
        raise HubUnreachable(
            f"could not {action}: {endpoint} answered something that no Hub says. "
            "Check the address (hub.endpoint), and whether a proxy answers in its place",
            lasting=True,
        ) from None
    except RuntimeError as error:
        # An upload that failed: the client hides what happened behind a RuntimeError of its own.
        hidden = error.__cause__
        if not isinstance(hidden, httpx2.RequestError | TimeoutError | OSError):
            raise
        with translated(endpoint, action):
            raise hidden from None
    except OSError as error:
        surroundings.token()  # which the client reads from its file anew for each call
        if error.errno in DISK_FULL:
            raise InvalidWorkspace(
                f"could not {action}: the disk is full ({error.filename or 'no space left'}). "
                "Free some space, then run it again"
            ) from None
        raise InvalidWorkspace(
            f"could not {action}: {error.filename or 'a file of this machine'}: "
            f"{error.strerror or first_line(error)}; wanted a file that may be read, in a folder that may be "
            "written. Correct that: HF_HOME and HF_HUB_CACHE say where downloads go"
        ) from None


def _refusal(action: str, error: HfHubHTTPError) -> HubError:
    status = error.response.status_code if error.response is not None else 0
    said = (error.server_message or "").strip() or f"HTTP {status}"
    if status == 401:
        return HubDenied(
            f"could not {action}: the Hub does not accept the token ({said}). Set a valid HF_TOKEN"
        )
    if status == 403:
        return HubDenied(
            f"could not {action}: the token lacks the right ({said}). Use a token that may write there"
        )
    if status == 412:
        return HubMoved(f"could not {action}: somebody else committed meanwhile ({said}). Look at it first")
    if status == 507:
        return HubUnreachable(
            f"could not {action}: the Hub has no room left ({said}). Make room there, then run it again",
            lasting=True,
        )
    if status >= 500 or status == 429:
        return HubUnreachable(
            f"could not {action}: the Hub answered {status} ({said}). Run it again in a while",
            retry_after_seconds=_retry_after(error),
            not_done=status in {429, 503},
        )
    return HubError(f"could not {action}: the Hub answered {status} ({said})")


def _retry_after(error: HfHubHTTPError) -> float | None:
    """Read `Retry-After` in seconds, or when `RateLimit` begins anew; a date is not what the Hub sends."""
    if error.response is None:
        return None
    said = error.response.headers.get("Retry-After", "")
    if said.isdecimal():
        return float(said)
    limit = parse_ratelimit_headers(error.response.headers)
    return float(limit.reset_in_seconds) if limit is not None and limit.remaining == 0 else None
