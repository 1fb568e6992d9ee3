"""Which answers of a Hub may become a path, by what is in them (`tests/hostile` asks a Hub that lies)."""

import httpx2
import pytest

from pipeline.errors import HubError
from pipeline.hub import answers

SHA1, SHA256 = "a" * 40, "b" * 64


def send(
    method: str, headers: dict[str, str] | None = None, *, status: int = 200, json: object = None
) -> httpx2.Response:
    """Send a request to a server that gives this answer."""
    said = {name.replace("_", "-"): value for name, value in (headers or {}).items()}

    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(status, json=json, headers=said)

    with answers.Client(transport=httpx2.MockTransport(answer)) as client:
        return client.request(method, "http://hub.test/o/n/resolve/main/file?x=1")


@pytest.mark.parametrize("etag", [SHA1, f'"{SHA256}"', f'W/"{SHA1}"', SHA256.upper()])
def test_digest_is_an_etag_in_each_form(etag: str) -> None:
    assert send("HEAD", {"ETag": etag}).is_success


@pytest.mark.parametrize(
    ("headers", "what"),
    [
        ({"ETag": "../x"}, "ETag"),
        ({"ETag": f'"{SHA1}'}, "ETag"),
        ({"ETag": SHA1, "X_Linked_ETag": "/x"}, "ETag"),
        ({"X_Repo_Commit": "main"}, "commit"),
        ({"X_Xet_Hash": SHA1}, "Xet hash"),
    ],
)
def test_header_that_is_no_digest_is_refused(headers: dict[str, str], what: str) -> None:
    with pytest.raises(HubError, match=rf"answered 'HEAD /o/n/resolve/main/file' with the {what} "):
        send("HEAD", headers)


def test_commit_of_an_error_is_looked_at_and_its_etag_is_not() -> None:
    assert send("HEAD", {"ETag": "../x"}, status=404).is_error
    with pytest.raises(HubError, match="commit"):
        send("HEAD", {"X_Repo_Commit": "../x"}, status=404)


def test_etag_of_bytes_from_a_storage_is_its_own_affair() -> None:
    assert send("GET", {"ETag": "anything"}).is_success


@pytest.mark.parametrize("oid", ["../x", SHA1, None, 3])
def test_listed_digest_that_is_none_is_refused(oid: object) -> None:
    listed = [{"path": "a", "lfs": {"oid": SHA256}}, {"path": "b", "lfs": {"oid": oid}}]
    with pytest.raises(HubError, match="LFS digest"):
        send("POST", json=listed)
    assert send("POST", status=500, json=listed).is_error


@pytest.mark.parametrize(
    "listed", [[], {"lfs": {"oid": "x"}}, [1, "a", {"lfs": None}], [{"lfs": {"oid": SHA256}}]]
)
def test_answer_that_lists_nothing_odd_is_handed_on(listed: object) -> None:
    assert send("GET", json=listed).json() == listed


@pytest.mark.parametrize("value", ["main", SHA1[:-1], SHA1.upper(), None, 3, f"{SHA1}\n"])
def test_commit_is_forty_digits(value: object) -> None:
    assert answers.commit(SHA1, "x") == SHA1
    with pytest.raises(HubError, match="40 hexadecimal digits"):
        answers.commit(value, "x")


@pytest.mark.parametrize(
    "path", ["", "/a", "a//b", "a/../b", "..", "a/.", "a\0b", "C:x", "..\\x", "a/\\\\s\\x", "a/"]
)
def test_file_stays_in_its_folder(path: str) -> None:
    assert answers.file_name("a/b.c d", "x") == "a/b.c d"
    with pytest.raises(HubError, match="a path inside the repository"):
        answers.file_name(path, "x")


def test_long_value_is_shown_by_its_beginning() -> None:
    with pytest.raises(HubError, match=r"…  ?\(502 letters\)|… \(502 letters\)") as caught:
        answers.commit("x" * 500, "y")
    assert len(str(caught.value)) < 600
