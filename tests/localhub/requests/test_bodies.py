from __future__ import annotations

import hashlib
import socket
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from huggingface_hub.utils._http import get_session

from localhub.errors import BadRequest
from localhub.requests import bodies
from localhub.requests.bodies import read_object
from tests.localhub.conftest import OWNER, READER, TestHub

HEAD = "{method} {address} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n{size}\r\n\r\n"


def begin(hub: TestHub, address: str, size: str, token: str, method: str = "POST") -> tuple[int, str]:
    """Send a request's head and none of its body; return the status and the rest of the answer."""
    port = urlsplit(hub.endpoint).port
    assert port is not None
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(HEAD.format(method=method, address=address, token=token, size=size).encode())
        head, _, rest = connection.recv(65536).decode().partition("\r\n")
        return int(head.split()[1]), rest


@pytest.mark.parametrize(
    "address", ["/api/repos/create", "/api/models/{model}/commit/main", "/api/validate-yaml",
                "/api/models/{model}/paths-info/main", "/api/models/{model}/preupload/main"]
)  # fmt: skip
def test_bodies_too_large_is_said_before_anything_else(hub: TestHub, model: str, address: str) -> None:
    size = f"Content-Length: {(1 << 30) + 1}"
    status, rest = begin(hub, address.format(model=model), size, "token-of-nobody")
    assert (status, "TooLarge" in rest) == (413, True)


@pytest.mark.parametrize(
    ("token", "status", "method", "address", "size"),
    [("token-of-nobody", 401, "DELETE", "/api/repos/delete", 1000),
     ("token-of-nobody", 401, "POST", "/api/models/{model}/commit/main", 1 << 30),
     (READER.token, 403, "PUT", "/api/models/{model}/settings", 1000),
     (READER.token, 403, "POST", "/{model}.git/info/lfs/objects/batch", bodies.DRAINED_BYTES + 1)],
)  # fmt: skip
def test_bodies_of_those_who_may_not_write_are_not_waited_for(
    hub: TestHub, model: str, method: str, address: str, size: int, token: str, status: int
) -> None:
    found, _ = begin(hub, address.format(model=model), f"Content-Length: {size}", token, method)
    assert found == status


def test_bodies_without_a_size_end_at_the_limit(hub: TestHub, empty_model: str) -> None:
    def endless() -> object:
        while True:
            yield b"0" * 65536

    headers = {"Authorization": f"Bearer {OWNER.token}"}
    url = f"{hub.endpoint}/api/models/{empty_model}/settings"
    try:
        answer = get_session().put(url, headers=headers, content=endless())  # type: ignore[arg-type]
    except httpx2.TransportError:  # the server ended the connection before its answer was read
        return
    assert answer.status_code == 413


def test_bodies_of_refused_requests_are_read_so_that_the_refusal_is(hub: TestHub, model: str) -> None:
    headers = {"Authorization": f"Bearer {READER.token}"}
    for _ in range(3):
        answer = get_session().post(
            f"{hub.endpoint}/api/models/{model}/commit/main", headers=headers, content=b"1" * 900_000
        )
        assert (answer.status_code, answer.headers["X-Error-Code"]) == (403, "Forbidden")


def test_bodies_a_large_commit_lies_on_disk_while_it_comes(hub: TestHub, empty_model: str) -> None:
    content = hashlib.shake_256(b"large").hexdigest(2_000_000).encode()
    hub.owner.upload_file(path_or_fileobj=content, path_in_repo="a.txt", repo_id=empty_model)
    [file] = [one for one in hub.owner.list_repo_tree(empty_model) if one.path == "a.txt"]
    assert file.size == 4_000_000  # type: ignore[union-attr]
    assert list((hub.root / "staging").iterdir()) == []
    got = hub.owner.hf_hub_download(empty_model, "a.txt")
    assert Path(got).read_bytes() == content


def test_bodies_an_object_is_wanted_and_none_is_an_empty_one() -> None:
    assert read_object(b"") == {}
    assert read_object('{"a": "\\ud83d\\ude00ş"}'.encode()) == {"a": "😀ş"}
    with pytest.raises(BadRequest, match="JSON object"):
        read_object(b"[]")
