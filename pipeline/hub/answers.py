"""What a Hub's answer may name, where the client makes a path of it.

huggingface_hub 2.4 writes a file to `blobs/ETAG` and locks it in `.locks/…/ETAG.lock`, links it from
`snapshots/COMMIT/NAME`, notes what is not there in `.no_exist/COMMIT/NAME` and what a revision was in
`refs/REVISION`. It checks NAME, in part COMMIT, and nothing else: `../../x.pth` or `/x.pth` is written there.
The ETag is a header of the answer to HEAD, or, where Xet is on, `lfs.oid` of a listing of files.
"""

import re
from pathlib import PureWindowsPath
from typing import Any

import httpx2
from huggingface_hub import constants

from pipeline.errors import HubError

_SHOWN_LETTERS = 200
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
# As a Hub writes it, in quotes or without, strong or weak: whatever the client peels off, digits are left.
_ETAG = re.compile(r'(?:W/)?("?)(?:[0-9a-fA-F]{40}|[0-9a-fA-F]{64})\1')


class Client(httpx2.Client):
    """What huggingface_hub sends its requests with: no answer is handed on that leads out of the cache."""

    def send(self, request: httpx2.Request, *, stream: bool = False, **options: Any) -> httpx2.Response:
        """Send a request, and look at the answer before a path is made of it.

        The client asks for what it makes paths of with HEAD, at whatever address a redirect led it to. The
        answer of a storage that a file's bytes come from is a GET's; its ETag is its own affair.

        Raises:
            HubError: An ETag, a commit or a digest is none. It is no error of httpx2's, so the client neither
                asks again nor takes what its cache holds instead.
        """
        response = super().send(request, stream=stream, **options)
        if request.method == "HEAD":
            _refuse_headers(response)
        elif not stream and response.is_success:
            _refuse_listed(response)
        return response


def commit(value: object, where: str) -> str:
    """Return a commit that the Hub named, if it is one.

    Args:
        value: What the Hub gave for it.
        where: What was asked, for the message.

    Raises:
        HubError: The answer is anything but 40 hexadecimal digits.
    """
    if not isinstance(value, str) or not _COMMIT.fullmatch(value):
        raise _refused(where, "commit", value, "40 hexadecimal digits")
    return value


def file_name(path: str, where: str) -> str:
    """Return the path of a listed file, if it stays in the folder that it is written to.

    Raises:
        HubError: The path is absolute, goes up, or is none that git can hold.
    """
    parts = path.split("/")
    # The client refuses what leads elsewhere on Windows too, with an error that says nothing of the Hub.
    windows = [PureWindowsPath(part) for part in parts]
    if (
        "\0" in path
        or any(part in {"", ".", ".."} for part in parts)
        or any(one.drive or one.root or ".." in one.parts for one in windows)
    ):
        raise _refused(where, "file", path, "a path inside the repository")
    return path


def _refuse_headers(response: httpx2.Response) -> None:
    headers, where = response.headers, _asked_of(response)
    said = headers.get(constants.HUGGINGFACE_HEADER_X_REPO_COMMIT)
    if said is not None:
        # Also of an error: the client notes which file the commit does not have.
        commit(said, where)
    if response.is_error:
        return
    etag = headers.get(constants.HUGGINGFACE_HEADER_X_LINKED_ETAG) or headers.get("ETag")
    if etag is not None and not _ETAG.fullmatch(etag):
        raise _refused(where, "ETag", etag, "40 or 64 hexadecimal digits")
    xet = headers.get(constants.HUGGINGFACE_HEADER_X_XET_HASH)
    if xet is not None and not _SHA256.fullmatch(xet):
        raise _refused(where, "Xet hash", xet, "64 hexadecimal digits")


def _refuse_listed(response: httpx2.Response) -> None:
    # By what is in it, not by its address: a redirect or a next page can have any.
    try:
        rows = response.json()
    except ValueError:
        return
    for row in rows if isinstance(rows, list) else []:
        lfs = row.get("lfs") if isinstance(row, dict) else None
        if isinstance(lfs, dict):
            oid = lfs.get("oid")
            if not isinstance(oid, str) or not _SHA256.fullmatch(oid):
                raise _refused(_asked_of(response), "LFS digest", oid, "64 hexadecimal digits")


def _asked_of(response: httpx2.Response) -> str:
    address = response.request.url.raw_path.decode("ascii").partition("?")[0]
    return f"{response.request.method} {address}"


def _refused(where: str, what: str, found: object, wanted: str) -> HubError:
    return HubError(
        f"the Hub answered {_shown(where)} with the {what} {_shown(found)}; wanted {wanted}, because a path "
        "is made of it. Nothing was written of that answer. Find out who answers at hub.endpoint, and use "
        "nothing from there until you know"
    )


def _shown(value: object) -> str:
    said = repr(value)
    return said if len(said) <= _SHOWN_LETTERS else f"{said[:_SHOWN_LETTERS]}… ({len(said)} letters)"
