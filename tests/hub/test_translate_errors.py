"""What the Hub's client raises becomes one class, and says whether trying again can help."""

import errno

import httpx2
import pytest
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from pipeline.errors import HubDenied, HubError, HubMoved, HubNotFound, HubUnreachable, InvalidWorkspace
from pipeline.hub.translate_errors import translated

HUB = "http://127.0.0.1:1"


def answer(status: int, **headers: str) -> httpx2.Response:
    asked = httpx2.Request("GET", f"{HUB}/api/models/a/b")
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx2.Response(status, headers=named, request=asked)


def refused(status: int, **headers: str) -> HfHubHTTPError:
    return HfHubHTTPError(f"{status}", response=answer(status, **headers))


def translation(error: BaseException) -> BaseException:
    with pytest.raises(BaseException) as caught, translated(HUB, "read a/b"):  # noqa: PT011
        raise error
    return caught.value


@pytest.mark.parametrize(
    ("raised", "wanted"),
    [
        (GatedRepoError("", response=answer(403)), HubDenied),
        (RepositoryNotFoundError("", response=answer(404)), HubNotFound),
        (RevisionNotFoundError("", response=answer(404)), HubNotFound),
        (HFValidationError("no such name"), HubNotFound),
        (httpx2.InvalidURL("no address"), HubNotFound),
        (OfflineModeIsEnabled("offline"), HubUnreachable),
        (refused(401), HubDenied),
        (refused(403), HubDenied),
        (refused(412), HubMoved),
        (refused(429), HubUnreachable),
        (refused(500), HubUnreachable),
        (refused(507), HubUnreachable),
        (refused(418), HubError),
    ],
    ids=lambda one: getattr(one, "__name__", str(one)[:24]),
)
def test_translation_is_of_the_class_that_says_what_to_do(
    raised: BaseException, wanted: type[HubError]
) -> None:
    error = translation(raised)
    assert type(error) is wanted
    assert str(error).startswith("could not read a/b")


@pytest.mark.parametrize(("status", "surely"), [(429, True), (503, True), (500, False), (504, False)])
def test_translation_says_whether_the_hub_surely_did_nothing(status: int, surely: bool) -> None:
    error = translation(refused(status))
    assert isinstance(error, HubUnreachable)
    assert error.not_done is surely


def test_translation_reads_when_a_limited_rate_begins_anew() -> None:
    error = translation(refused(429, RateLimit='"api";r=0;t=55'))
    assert isinstance(error, HubUnreachable)
    assert error.retry_after_seconds == 55.0
    both = translation(refused(429, RateLimit='"api";r=0;t=55', Retry_After="3"))
    assert isinstance(both, HubUnreachable)
    assert both.retry_after_seconds == 3.0
    left = translation(refused(503, RateLimit='"api";r=7;t=55'))
    assert isinstance(left, HubUnreachable)
    assert left.retry_after_seconds is None


@pytest.mark.parametrize(("said", "seconds"), [("7", 7.0), ("", None), ("Wed, 21 Oct 2026", None)])
def test_translation_hands_on_how_long_to_wait(said: str, seconds: float | None) -> None:
    error = translation(refused(503, Retry_After=said))
    assert isinstance(error, HubUnreachable)
    assert error.retry_after_seconds == seconds


@pytest.mark.parametrize(
    ("cause", "surely"), [(httpx2.ConnectError("refused"), True), (httpx2.ReadTimeout("late"), False)]
)
def test_translation_looks_behind_what_the_client_hides(cause: Exception, surely: bool) -> None:
    for hidden in (LocalEntryNotFoundError("not in the cache"), RuntimeError("upload failed")):
        hidden.__cause__ = cause
        error = translation(hidden)
        assert isinstance(error, HubUnreachable)
        assert error.not_done is surely
        assert type(cause).__name__ in str(error)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_translation_names_a_full_disk(number: int) -> None:
    error = translation(OSError(number, "full", "/cache/blob"))
    assert isinstance(error, InvalidWorkspace)
    assert "/cache/blob" in str(error)


def test_translation_leaves_what_is_no_matter_of_the_hub() -> None:
    for error in (RuntimeError("a bug"), KeyError("a bug")):
        assert translation(error) is error


def test_translation_names_a_file_that_the_system_refuses() -> None:
    error = translation(PermissionError(errno.EACCES, "Permission denied", "/cache/blobs"))
    assert isinstance(error, InvalidWorkspace)
    assert str(error).startswith("could not read a/b: /cache/blobs: Permission denied; wanted")
