"""A file on a Hub is read in parts, and no more of it is fetched than was asked for."""

import os

import httpx2
import pytest

from pipeline.errors import HubError
from pipeline.hub import Hub, ListedFile, RemoteFile
from pipeline.hub import reading as reading_module
from pipeline.params.machine import HubParams
from tests.conftest import Stage

CONTENT = bytes(range(200))


def opened(content: bytes = CONTENT) -> tuple[RemoteFile, list[tuple[int, int]]]:
    asked: list[tuple[int, int]] = []

    def fetch(start: int, stop: int) -> bytes:
        asked.append((start, stop))
        return content[start:stop]

    return RemoteFile(len(content), fetch), asked


def test_remote_file_is_read_where_somebody_looks() -> None:
    file, asked = opened()
    assert file.read(3) == CONTENT[:3]
    assert file.seek(-10, os.SEEK_END) == 190
    assert file.read() == CONTENT[190:]
    assert file.read(5) == b""
    assert file.seek(-5, os.SEEK_CUR) == 195
    assert file.tell() == 195
    assert asked == [(0, 3), (190, 200)]
    assert file.fetched == 13
    assert file.readable()
    assert file.seekable()


HUB = HubParams(
    endpoint=None,
    plain_http=(),
    xet=False,
    timeout_seconds=20,
    download_timeout_seconds=20,
    retries=0,
    backoff_seconds=0,
    patience_hours=0,
)


def test_hub_opens_a_file_of_a_commit_for_reading_in_parts(writer: Stage) -> None:
    hub = Hub(HUB)
    listed = hub.files("tester/tiny", "model", writer.base)
    for name in ("config.json", "model.safetensors"):  # one in git, one in LFS
        folder, _ = hub.download("tester/tiny", "model", writer.base, name.__eq__)
        whole = (folder / name).read_bytes()
        file = hub.opened("tester/tiny", "model", writer.base, listed[name])
        file.seek(10)
        assert file.read(50) == whole[10:60]
        assert file.fetched == 50


@pytest.mark.parametrize(
    ("status", "content", "wanted"),
    [
        (206, CONTENT[5:9], CONTENT[5:9]),
        (200, CONTENT, CONTENT[5:9]),
        (206, CONTENT[5:8], None),
        (200, b"", None),
    ],
)
def test_hub_takes_a_file_that_comes_whole_and_refuses_other_bytes(
    writer: Stage, monkeypatch: pytest.MonkeyPatch, status: int, content: bytes, wanted: bytes | None
) -> None:
    class Client:
        def get(self, address: str, headers: dict[str, str]) -> httpx2.Response:
            assert headers["Range"] == "bytes=5-8"
            return httpx2.Response(status, content=content, request=httpx2.Request("GET", address))

    monkeypatch.setattr(reading_module, "get_session", Client)
    file = Hub(HUB).opened("tester/x", "dataset", "0" * 40, ListedFile("a.csv", len(CONTENT), "git:1"))
    file.seek(5)
    if wanted is None:
        with pytest.raises(
            HubError, match=r"could not read a\.csv of dataset tester/x .*: 4 bytes were asked"
        ):
            file.read(4)
    else:
        assert file.read(4) == wanted
