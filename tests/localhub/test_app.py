"""Every address, asked for with what no client sends: the answer is one of the server's own."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from localhub.app import create_app
from localhub.repos.lfs import Signer, finish, receive
from localhub.repos.storage import RepoId, Store
from localhub.requests.context import Hub
from localhub.users import Users
from tests.localhub.conftest import CARD, OWNER, READER, WEIGHTS

NUMBERS = st.sampled_from(
    ["0", "-1", "+1", "1.5", "1e9", "٣", "²", "9" * 20, "9" * 5000, "0x10", " 1", "", "NaN", "\x00", "None"]
)
NAMES = st.sampled_from(
    ["main", "v1", "refs/pr/1", "refs/heads/main", "a" * 40, "a" * 7, "..", ".git", "\0", "\n", "ş", "\ud800",
     "%2F", "a//b", "x" * 300, "", "@", "HEAD", "refs/", "refs/tags/v1", "\\", "*", "~1", "^{tree}"]
)  # fmt: skip
PATHS = st.sampled_from(
    [
        "README.md",
        "big.bin",
        "folder",
        "folder/a.txt",
        "..",
        "../..",
        "//",
        "\0",
        "\ud800",
        "ş" * 100,
        "a\\b",
        "",
    ]
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), NAMES, NUMBERS,
        st.sampled_from([10**30, -1, "\ud800", "model", "main", "open", "accepted", "upload"]),
    ),
    lambda inside: st.one_of(
        st.lists(inside, max_size=3),
        st.dictionaries(st.sampled_from(["path", "size", "sample", "oid", "key"]), inside, max_size=3),
    ),
    max_leaves=6,
)  # fmt: skip
KEYS = [
    "name", "type", "organization", "private", "visibility", "gated", "fromRepo", "toRepo", "tag", "message",
    "startingPoint", "files", "gitIgnore", "operation", "objects", "transfers", "oid", "size", "parts",
    "title", "description", "pullRequest", "comment", "content", "status", "user", "requestId",
    "rejectionReason",
]  # fmt: skip
OBJECTS = st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=6)
QUERIES = st.dictionaries(
    st.sampled_from(
        [
            "limit",
            "cursor",
            "p",
            "page",
            "recursive",
            "expand",
            "expires",
            "signature",
            "diff",
            "type",
            "blobs",
        ]
    ),
    st.one_of(NUMBERS, NAMES),
    max_size=3,
)
RANGES = st.one_of(
    st.none(),
    st.builds("bytes={}-{}".format, NUMBERS, NUMBERS),
    st.sampled_from(["bytes=", "bytes=-", "bytes=5-1", "lines=1-2", "bytes=0-0,1-1,2-2", "bytes=-0", "\xb2"]),
)


def commit(lines: list[Any]) -> bytes:
    header = {"key": "header", "value": {"summary": "one"}}
    return b"\n".join(json.dumps(line).encode() for line in [header, *lines])


LINES = st.builds(
    commit,
    st.lists(
        st.one_of(
            VALUES,
            st.fixed_dictionaries(
                {
                    "key": st.sampled_from(
                        ["file", "lfsFile", "deletedFile", "deletedFolder", "header", "x"]
                    ),
                    "value": st.one_of(
                        VALUES,
                        st.fixed_dictionaries(
                            {"path": st.one_of(PATHS, VALUES), "content": VALUES},
                            optional={
                                "oid": VALUES,
                                "size": VALUES,
                                "encoding": st.just("base64"),
                                "summary": VALUES,
                            },
                        ),
                    ),
                }
            ),
        ),
        max_size=3,
    ),
)
BODIES = st.one_of(
    st.binary(max_size=40),
    st.builds(lambda value: json.dumps(value).encode(), OBJECTS),
    LINES,
    st.sampled_from(
        [
            b"[" * 10_000,
            b"9" * 5000,
            b'{"size": ' + b"9" * 5000 + b"}",
            b'"\xed\xa0\x80"',
            b"\xff\xfe{\0}\0",
            b"NaN",
        ]
    ),
)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Starlette:
    store = Store(tmp_path_factory.mktemp("app") / "root")
    repo = store.create(RepoId("model", "ann", "m"), private=False, author="ann")
    sha256 = hashlib.sha256(WEIGHTS).hexdigest()
    asyncio.run(receive(repo.path, "upload", 1, blocks(WEIGHTS), len(WEIGHTS)))
    finish(repo.path, "upload", sha256, len(WEIGHTS), 1)
    app = create_app(Hub(store, Users([OWNER, READER]), Signer(b"key"), 1000, True, ["testserver"]))
    lines: list[dict[str, Any]] = [
        {"key": "file", "value": {"path": "README.md", "content": CARD.decode()}},
        {"key": "file", "value": {"path": "folder/a.txt", "content": "a"}},
        {"key": "lfsFile", "value": {"path": "big.bin", "oid": sha256, "size": len(WEIGHTS)}},
    ]
    write = {"Authorization": f"Bearer {OWNER.token}"}
    client = TestClient(app)
    for query in ({}, {"create_pr": "1"}):
        answer = client.post(
            "/api/models/ann/m/commit/main", content=commit(lines), headers=write, params=query
        )
        assert answer.status_code == 200, answer.text
        lines[1]["value"]["content"] = "b"
    return app


async def blocks(content: bytes) -> AsyncIterator[bytes]:
    yield content


def addresses(app: Starlette) -> list[tuple[str, str]]:
    return sorted(
        (method, route.path)
        for route in app.routes
        if isinstance(route, Route)
        for method in (route.methods or set()) - {"HEAD"}
    )


def fill(draw: st.DrawFn, path: str) -> str:
    """Put something into each hole of a route's path."""
    holes = {
        "{namespace}": st.just("ann"), "{name}": st.sampled_from(["m", "m", "m", "M"]),
        "{revision}": st.one_of(st.just("main"), NAMES), "{path:path}": PATHS, "{num}": NUMBERS,
        "{comment_id}": NAMES, "{status}": NAMES, "{upload}": NAMES, "{oid}": NAMES,
        "{size:digits}": NUMBERS, "{part:digits}": NUMBERS,
    }  # fmt: skip
    for hole, values in holes.items():
        if hole in path:
            text = draw(values).encode(errors="replace").decode()
            path = path.replace(hole, quote(text, safe="/" if hole == "{path:path}" else ""))
    return path


@given(data=st.data())
@settings(max_examples=250, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_app_answers_whatever_it_is_asked_without_a_traceback(app: Starlette, data: st.DataObject) -> None:
    # Those of datasets lead to the same functions.
    asked = [(method, path) for method, path in addresses(app) if "/datasets" not in path]
    method, path = data.draw(st.sampled_from(asked))
    url = data.draw(st.composite(lambda draw: fill(draw, path))())
    query = {key: value.encode(errors="replace").decode() for key, value in data.draw(QUERIES).items()}
    headers = {b"Authorization": f"Bearer {OWNER.token}".encode()}
    wanted = data.draw(RANGES)
    if wanted is not None:
        headers[b"Range"] = wanted.encode(errors="replace")
    body = data.draw(BODIES) if method in ("POST", "PUT", "DELETE") else b""
    client = TestClient(app, raise_server_exceptions=True, follow_redirects=False)
    answer = client.request(method, url, params=query, headers=headers, content=body)
    assert answer.status_code < 500, (method, url, query, wanted, body, answer.text)


def test_app_knows_each_address_only_once(app: Starlette) -> None:
    found = addresses(app)
    assert len(found) == len(set(found)) > 80
