from __future__ import annotations

import asyncio
import hashlib
import threading
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from localhub.errors import BadRequest, Forbidden
from localhub.repos.lfs import Signer, finish, object_path, receive

GOOD, BAD = b"good" * 50_000, b"evil" * 50_000
SHA256 = hashlib.sha256(GOOD).hexdigest()


def send(repo: Path, upload: str, part: int, content: bytes) -> str:
    async def body() -> AsyncIterator[bytes]:
        yield content

    return asyncio.run(receive(repo, upload, part, body(), len(content)))


def kept(repo: Path) -> list[bytes]:
    return [path.read_bytes() for path in (repo / "lfs" / "objects").rglob("*") if path.is_file()]


@pytest.mark.parametrize("parts", [1, 2])
def test_lfs_what_was_hashed_is_what_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parts: int
) -> None:
    """Whoever has the same link sends other bytes at the worst moments: while a file is hashed, and after."""
    half = len(GOOD) // parts
    for part in range(1, parts + 1):
        send(tmp_path, "link", part, GOOD[half * (part - 1) : half * part])
    real = hashlib.file_digest

    def then_sent_again(*arguments: object) -> object:
        found = real(*arguments)  # type: ignore[arg-type]
        for part in range(1, parts + 1):
            send(tmp_path, "link", part, BAD[half * (part - 1) : half * part])
        if parts > 1:  # and put together again, over what the first is about to keep
            monkeypatch.setattr(hashlib, "file_digest", real)
            with pytest.raises(BadRequest, match="with sha256"):
                finish(tmp_path, "link", SHA256, len(GOOD), parts)
        return found

    monkeypatch.setattr(hashlib, "file_digest", then_sent_again)
    finish(tmp_path, "link", SHA256, len(GOOD), parts)
    assert kept(tmp_path) == [GOOD]


def test_lfs_two_who_send_at_once_never_poison_the_store(tmp_path: Path) -> None:
    def one(content: bytes, start: threading.Barrier) -> None:
        start.wait()
        for _ in range(20):
            try:
                send(tmp_path, "link", 1, content)
                finish(tmp_path, "link", SHA256, len(GOOD), 1)
            except BadRequest:
                continue

    start = threading.Barrier(4)
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(one, content, start) for content in (GOOD, BAD, GOOD, BAD)]:
            done.result()
    assert kept(tmp_path) in ([], [GOOD])


@pytest.mark.parametrize(
    ("parts", "sent"),
    [(1, BAD), (2, GOOD), (1, GOOD[1:])],
    ids=["others", "a part is missing", "too few"],
)
def test_lfs_nothing_is_kept_of_a_refused_upload(tmp_path: Path, parts: int, sent: bytes) -> None:
    send(tmp_path, "link", 1, sent)
    with pytest.raises(BadRequest):
        finish(tmp_path, "link", SHA256, len(GOOD), parts)
    assert kept(tmp_path) == []
    left = [path.name for path in (tmp_path / "lfs" / "incoming").iterdir()]
    assert left == ["link"]
    assert not object_path(tmp_path, SHA256).exists()


def test_lfs_a_link_is_good_for_its_path_and_its_day(monkeypatch: pytest.MonkeyPatch) -> None:
    signer = Signer(b"key")
    path, _, query = signer.sign("/a").partition("?")
    expires, signature = (pair.partition("=")[2] for pair in query.split("&"))
    signer.check(path, expires, signature)
    for wrong in [("/b", expires, signature), (path, "9" * 5000, signature), (path, "²", signature),
                  (path, expires, "ş"), (path, "", "")]:  # fmt: skip
        with pytest.raises(Forbidden):
            signer.check(*wrong)
    monkeypatch.setattr(time, "time", lambda: int(expires) + 1.0)
    with pytest.raises(Forbidden):
        signer.check(path, expires, signature)


def test_lfs_another_link_is_another_place(tmp_path: Path) -> None:
    send(tmp_path, "a", 1, GOOD)
    send(tmp_path, "b", 1, BAD)
    finish(tmp_path, "a", SHA256, len(GOOD), 1)
    assert kept(tmp_path) == [GOOD]
