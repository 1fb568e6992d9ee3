from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub.errors import HfHubHTTPError

from localhub.process import RunningHub, User, serve
from tests.faults import plans
from tests.faults.plans import Plan

OWNER = User("ann", "write", "token-that-writes")
PROJECT = Path(__file__).resolve().parent.parent.parent


@dataclass
class Between:
    """A server, a proxy before it, and the proxy's client."""

    hub: RunningHub
    process: subprocess.Popen[str]
    address: str
    folder: Path

    @property
    def api(self) -> HfApi:
        return HfApi(endpoint=self.address, token=OWNER.token)

    def plan(self, plan: Plan) -> None:
        plans.write(self.folder / "plan", plan)

    def seen(self) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in (self.folder / "log").read_text().splitlines()]
        return [line for line in lines if line["fate"] != "done"]

    def connect(self, timeout: float = 5) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.address.removeprefix("http://"), timeout=timeout)


@pytest.fixture
def between(tmp_path: Path) -> Iterator[Between]:
    with serve(tmp_path / "root", [OWNER], options=["--part-bytes", "100000"]) as hub:
        command = [sys.executable, "-m", "tests.faults.proxy", "--to", hub.endpoint.removeprefix("http://")]
        command += ["--plan", str(tmp_path / "plan"), "--log", str(tmp_path / "log")]
        with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            yield Between(hub, process, process.stdout.readline().strip(), tmp_path)
            process.kill()


def test_proxy_passes_everything_on_and_logs_it(between: Between, tmp_path: Path) -> None:
    api, large = between.api, os.urandom(250_000)
    api.create_repo("ann/model")
    made = api.create_commit(
        "ann/model",
        [CommitOperationAdd("a.bin", large), CommitOperationAdd("b.txt", b"text" * 5000)],
        commit_message="one",
    )
    assert made.commit_url.startswith(between.address)
    folder = Path(api.snapshot_download("ann/model", cache_dir=tmp_path / "cache"))
    assert (folder / "a.bin").read_bytes() == large
    seen = [line["request"] for line in between.seen()]
    # What the server gives links to goes through the proxy too.
    assert "PUT /ann/model.git/lfs-upload/UPLOAD/SHA256/250000/3" in seen
    assert "GET /ann/model/large-file/COMMIT/a.bin" in seen
    assert [line["number"] for line in between.seen()] == list(range(1, len(seen) + 1))
    assert {line["fate"] for line in between.seen()} == {"pass"}


def test_proxy_keeps_a_connection_and_understands_chunks_and_expect(between: Between) -> None:
    connection = between.connect()
    headers = {"Authorization": f"Bearer {OWNER.token}"}
    body = json.dumps({"content": "---\nlicense: mit\n---\n" + "x" * 100_000}).encode()
    for _ in range(2):
        pieces = (body[start : start + 30_000] for start in range(0, len(body), 30_000))
        connection.request("POST", "/api/validate-yaml", pieces, headers, encode_chunked=True)
        answer = connection.getresponse()
        assert json.loads(answer.read()) == {"errors": [], "warnings": []}
        sock = connection.sock
    connection.request("HEAD", "/api/whoami-v2", headers=headers)
    connection.getresponse().read()
    assert connection.sock is sock
    connection.close()

    host, port = between.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as raw:
        head = f"POST /api/validate-yaml HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: {len(body)}\r\n"
        raw.sendall(f"{head}Expect: 100-continue\r\n\r\n".encode())
        assert raw.recv(1000).startswith(b"HTTP/1.1 100 ")
        raw.sendall(body)
        assert raw.recv(1000).startswith(b"HTTP/1.1 200 ")
    assert [line["has_body"] for line in between.seen()] == [True, True, False, True]


def create(between: Between, name: str, timeout: float = 5) -> int:
    """Make a repo by a request that nobody repeats."""
    connection = between.connect(timeout)
    try:
        connection.request(
            "POST",
            "/api/repos/create",
            json.dumps({"name": name, "padding": "x" * 1000}),
            {"Authorization": f"Bearer {OWNER.token}"},
        )
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def exists(between: Between, name: str) -> bool:
    return HfApi(endpoint=between.hub.endpoint, token=OWNER.token).repo_exists(f"ann/{name}")


REQUEST = "POST /api/repos/create"


@pytest.mark.parametrize(
    ("plan", "acted"),
    [
        (Plan(fate="refuse"), False),
        (Plan(fate="cut"), False),
        (Plan(fate="mute"), True),
    ],
)
def test_proxy_cuts_a_connection_before_or_after_the_server_acted(
    between: Between, plan: Plan, acted: bool
) -> None:
    between.plan(Plan(**{**vars(plan), "id": "this", "request": REQUEST, "occurrence": 2}))
    assert create(between, "first") == 200
    with pytest.raises((ConnectionError, http.client.RemoteDisconnected)):
        create(between, "second")
    assert exists(between, "second") == acted
    assert create(between, "third") == 200
    assert [line["fate"] for line in between.seen()] == ["pass", plan.fate, "pass"]


def test_proxy_refuses_connections_as_long_as_the_plan_lasts(between: Between) -> None:
    between.plan(Plan(id="this", fate="refuse", number=1, stays=True))
    with pytest.raises((ConnectionError, http.client.RemoteDisconnected)):
        create(between, "first")
    time.sleep(0.1)
    for _ in range(3):
        with pytest.raises(ConnectionRefusedError):
            create(between, "first")
    between.plan(Plan(id="next"))
    time.sleep(0.1)
    assert create(between, "first") == 200


@pytest.mark.parametrize("fate", ["slow", "late"])
def test_proxy_answers_after_the_clients_patience(between: Between, fate: plans.Fate) -> None:
    between.plan(Plan(id="this", fate=fate, request=REQUEST, seconds=0.8))
    with pytest.raises(TimeoutError):
        create(between, "first", timeout=0.4)
    assert exists(between, "first") == (fate == "slow")
    time.sleep(0.8)
    assert exists(between, "first")


@pytest.mark.parametrize(("status", "retry_after"), [(429, 7), (429, None), (500, None), (507, None)])
def test_proxy_answers_by_itself(between: Between, status: int, retry_after: int | None) -> None:
    between.plan(
        Plan(id="this", fate="answer", request=REQUEST, status=status, retry_after=retry_after, stays=True)
    )
    with pytest.raises(HfHubHTTPError) as error:
        between.api.create_repo("ann/first")
    assert error.value.response.status_code == status
    assert error.value.response.headers.get("Retry-After") == (str(retry_after) if retry_after else None)
    with pytest.raises(HfHubHTTPError):
        between.api.whoami()
    connection = between.connect()
    for _ in range(2):
        connection.request("HEAD", "/ann/first/resolve/main/a")
        assert connection.getresponse().read() == b""
    connection.close()
    assert not exists(between, "first")


@pytest.mark.parametrize(("fate", "acted"), [("kill", False), ("kill-after", True)])
def test_proxy_kills_before_or_after_the_server_acted(
    between: Between, tmp_path: Path, fate: plans.Fate, acted: bool
) -> None:
    with subprocess.Popen(["sleep", "60"]) as victim:
        (tmp_path / "pid").write_text(str(victim.pid))
        between.plan(Plan(id="this", fate=fate, request=REQUEST, pid_file=str(tmp_path / "pid")))
        with pytest.raises((ConnectionError, http.client.RemoteDisconnected)):
            create(between, "first")
        assert victim.wait(5) == -signal.SIGKILL
    assert exists(between, "first") == acted


def test_proxy_holds_a_request_until_it_is_told(between: Between, tmp_path: Path) -> None:
    between.plan(Plan(id="this", fate="hold", request=REQUEST, go_file=str(tmp_path / "go")))
    with pytest.raises(TimeoutError):
        create(between, "first", timeout=0.3)
    assert not exists(between, "first")
    (tmp_path / "go").touch()
    give_up = time.monotonic() + 5
    while not exists(between, "first"):
        assert time.monotonic() < give_up


def test_proxy_ends_with_its_parent(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys, time\n"
        "command = [sys.executable, '-m', 'tests.faults.proxy', '--to', '127.0.0.1:1', '--plan', 'p']\n"
        "child = subprocess.Popen([*command, '--log', 'l'], stdout=subprocess.PIPE, text=True)\n"
        "child.stdout.readline()\nprint(child.pid, flush=True)\ntime.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=PROJECT
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
    give_up = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().split(")")[1]:
        assert time.monotonic() < give_up
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("method", "target", "wanted"),
    [
        ("GET", f"/api/models/a/b/tree/{'0' * 40}?recursive=1", "GET /api/models/a/b/tree/COMMIT"),
        ("POST", "/api/models/a/b/commit/refs%2Fpr%2F12", "POST /api/models/a/b/commit/refs/pr/N"),
        ("POST", "/api/models/a/b/discussions/3/merge", "POST /api/models/a/b/discussions/N/merge"),
        ("PUT", f"/a/b.git/lfs-upload/{'a' * 32}/{'b' * 64}/5?x", "PUT /a/b.git/lfs-upload/UPLOAD/SHA256/5"),
    ],
)  # fmt: skip
def test_plans_name_a_request_the_same_in_every_run(method: str, target: str, wanted: str) -> None:
    assert plans.name(method, target) == wanted
