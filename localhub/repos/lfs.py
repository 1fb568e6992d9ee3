"""Large files: pointers in git, and their bytes in `lfs/objects`, named by their sha256.

Bytes arrive in `lfs/incoming` and move to their name only after their sha256 was checked and they
are on disk; what stands under `lfs/objects` is whole.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import shutil
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool

from localhub.errors import BadRequest, EntryNotFound, Forbidden

POINTER_MAX_BYTES = 1024
UPLOAD_SECONDS = 24 * 3600
_BUFFER_BYTES = 1 << 20
_ENDED = "Another request ended this upload meanwhile: ask for a new link"

_SHA256 = re.compile(r"[0-9a-f]{64}")
_SECONDS = re.compile(r"[0-9]{1,12}")
_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\noid sha256:([0-9a-f]{64})\nsize (\d{1,19})\n?"
)


@dataclass(frozen=True)
class Pointer:
    """What git holds of a large file."""

    sha256: str
    size: int

    def text(self) -> bytes:
        """The pointer file, as git-lfs writes it."""
        return (
            f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.sha256}\nsize {self.size}\n"
        ).encode()

    @property
    def pointer_size(self) -> int:
        """The pointer file's length in bytes."""
        return len(self.text())


def read_pointer(data: bytes) -> Pointer | None:
    """Return the pointer that a git blob holds, or None where it is an ordinary file."""
    match = _POINTER.fullmatch(data)
    return Pointer(match[1].decode(), int(match[2])) if match else None


def object_path(repo: Path, sha256: str) -> Path:
    """Where the bytes of a large file are, or would be.

    Raises:
        BadRequest: This is no sha256.
    """
    if not _SHA256.fullmatch(sha256):
        raise BadRequest(f"Not a sha256 in hexadecimal: {sha256!r}")
    return repo / "lfs" / "objects" / sha256[:2] / sha256[2:4] / sha256


def stored_size(repo: Path, sha256: str) -> int | None:
    """The size of a large file that is here, or None."""
    try:
        return object_path(repo, sha256).stat().st_size
    except FileNotFoundError:
        return None


def new_upload() -> str:
    """Name an upload, so that two of the same file never write to one place."""
    return secrets.token_hex(16)


async def receive(repo: Path, upload: str, part: int, body: AsyncIterator[bytes], max_bytes: int) -> str:
    """Write one part of an upload to disk; a part that is sent again replaces the earlier one.

    Returns:
        The part's etag, its sha256.

    Raises:
        BadRequest: More bytes came than were announced.
    """
    folder = repo / "lfs" / "incoming" / upload
    try:
        await run_in_threadpool(folder.mkdir, parents=True, exist_ok=True)
    except FileExistsError:  # and gone again, as another request that was here put its parts together
        raise BadRequest(_ENDED) from None
    unfinished = folder / f"{part}.{secrets.token_hex(4)}"
    digest = hashlib.sha256()
    size = 0
    try:
        with unfinished.open("wb", buffering=0) as file:
            async for block in _blocks(body):
                size += len(block)
                if size > max_bytes:
                    raise BadRequest(f"More than the {max_bytes} bytes that were announced for this upload")
                await run_in_threadpool(_write, file.fileno(), block, digest)
        unfinished.rename(folder / str(part))
    except FileNotFoundError:
        raise BadRequest(_ENDED) from None
    finally:
        unfinished.unlink(missing_ok=True)
    return digest.hexdigest()


def finish(repo: Path, upload: str, sha256: str, size: int, parts: int) -> None:
    """Put the parts of an upload together, check them and give them their name.

    What is checked is what is kept: the bytes are first taken to a place where no other request writes.

    Raises:
        BadRequest: A part is missing, or the whole has another sha256 or size.
    """
    target = object_path(repo, sha256)
    folder = repo / "lfs" / "incoming" / upload
    if stored_size(repo, sha256) != size:
        try:
            whole = _take(folder, parts)
        except FileNotFoundError:
            raise BadRequest(f"Upload of {sha256}: no bytes arrived, or another upload took them") from None
        try:
            found, found_size = _digest(whole)
            if found != sha256 or found_size != size:
                raise BadRequest(
                    f"Upload of {sha256}: got {found_size} bytes with sha256 {found}, wanted {size} bytes"
                )
            target.parent.mkdir(parents=True, exist_ok=True)
            whole.rename(target)
        finally:
            whole.unlink(missing_ok=True)
        _sync_folder(target.parent)
    shutil.rmtree(folder, ignore_errors=True)


def require_object(repo: Path, sha256: str, size: int | None) -> Pointer:
    """Return the pointer to a large file that is here.

    Raises:
        BadRequest: The file was never uploaded, or is of another size.
    """
    found = stored_size(repo, sha256)
    if found is None or (size is not None and found != size):
        raise BadRequest(
            f"The large file {sha256} was committed with {size} bytes; on this server it "
            + ("is missing: upload it first" if found is None else f"has {found}")
        )
    return Pointer(sha256, found)


def require_file(repo: Path, pointer: Pointer, commit: str) -> Path:
    """Return the path of a large file's bytes.

    Raises:
        EntryNotFound: A pointer was committed as text, and there are no bytes behind it.
    """
    if stored_size(repo, pointer.sha256) is None:
        raise EntryNotFound(f"The large file {pointer.sha256} is not on this server", commit=commit)
    return object_path(repo, pointer.sha256)


@dataclass(frozen=True)
class Signer:
    """Makes links that carry their own permission: the client sends no token with an upload."""

    key: bytes

    def sign(self, path: str) -> str:
        """Return the path with a signature that holds for a day."""
        expires = int(time.time()) + UPLOAD_SECONDS
        return f"{path}?{urlencode({'expires': expires, 'signature': self._signature(path, expires)})}"

    def check(self, path: str, expires: str, signature: str) -> None:
        """Refuse a path that was not signed here, or too long ago."""
        valid = _SECONDS.fullmatch(expires) is not None and hmac.compare_digest(
            self._signature(path, int(expires)).encode(), signature.encode(errors="replace")
        )
        if not valid or int(expires) < time.time():
            raise Forbidden("This upload link is not valid, or no longer: ask for a new one")

    def _signature(self, path: str, expires: int) -> str:
        return hmac.new(self.key, f"{path}\n{expires}".encode(), "sha256").hexdigest()


def part_sizes(size: int, part_bytes: int) -> Iterable[int]:
    """Yield the size of each part of a large upload."""
    for start in range(0, size, part_bytes):
        yield min(part_bytes, size - start)


async def _blocks(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    # One thread hop a megabyte instead of one a network packet.
    waiting = bytearray()
    async for chunk in body:
        waiting += chunk
        if len(waiting) >= _BUFFER_BYTES:
            yield bytes(waiting)
            waiting.clear()
    yield bytes(waiting)


def _write(descriptor: int, block: bytes, digest: hashlib._Hash) -> None:
    digest.update(block)
    view = memoryview(block)
    while view:
        view = view[os.write(descriptor, view) :]


def _take(folder: Path, parts: int) -> Path:
    """Make one file of the parts, of a name that no other request knows."""
    whole = folder.with_name(f"{folder.name}.{secrets.token_hex(8)}")
    if parts == 1:
        return (folder / "1").rename(whole)
    try:
        with whole.open("xb") as out:
            for part in range(1, parts + 1):
                with (folder / str(part)).open("rb") as file:
                    shutil.copyfileobj(file, out, _BUFFER_BYTES)
    except OSError:
        whole.unlink(missing_ok=True)
        raise
    return whole


def _digest(whole: Path) -> tuple[str, int]:
    """Return the sha256 and the size of a file, which is on disk then."""
    with whole.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        os.fsync(file.fileno())
        return digest.hexdigest(), file.tell()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
