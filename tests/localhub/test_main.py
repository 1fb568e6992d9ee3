from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from localhub.process import serve
from tests.localhub.conftest import OWNER, READER, TestHub


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "localhub", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_main_prints_one_line_and_ends_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    user = f"{OWNER.name}:{OWNER.role}:{OWNER.token}"
    with start("--root", str(tmp_path / "new" / "root"), "--port", "0", "--user", user) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("localhub ready at http://127.0.0.1:")
        api = HfApi(endpoint=line.split()[-1], token=OWNER.token)
        assert api.whoami()["name"] == "ann"
        process.send_signal(number)
        rest, words = process.communicate(timeout=20)
    assert process.returncode == 0
    assert rest == ""
    assert "Traceback" not in words
    assert "WARNING" not in words


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--root"),
        (["--root", "{root}", "--port", "http"], "--port: must be a number from 0 to 65535, got 'http'"),
        (["--root", "{root}", "--port", "65536"], "got '65536'"),
        (["--root", "{root}", "--part-bytes", "0"], "must be a whole number above 0, got '0'"),
        (["--root", "{root}", "--user", "ann:admin:s3cret"], "NAME:ROLE:TOKEN"),
        (["--root", "{root}", "--user", "a:read:s3cret", "--user", "b:read:s3cret"], "same token"),
        (["--root", "{root}", "--usr", "a:read:s3cret"], "unrecognized arguments: --usr a:read:<token>"),
        (["--root", "{root}", "--host", "256.1.1.1"], "cannot listen on 256.1.1.1"),
        (["--root", "{root}", "--port", "{taken}"], "cannot listen on 127.0.0.1 port {taken}"),
        (["--root", "{file}/below"], "--root {file}/below cannot be used"),
        (["--root", "{served}"], "another localhub serves {served}"),
    ],
)
def test_main_bad_arguments_are_one_clear_message(
    tmp_path: Path, hub: TestHub, arguments: list[str], message: str
) -> None:
    (tmp_path / "file").touch()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        known = {
            "root": tmp_path / "root",
            "file": tmp_path / "file",
            "served": hub.root,
            "taken": taken.getsockname()[1],
        }
        with start(*(argument.format(**known) for argument in arguments)) as process:
            out, words = process.communicate(timeout=30)
    assert process.returncode == 1
    assert out == ""
    assert len(words.splitlines()) == 1
    assert message.format(**known) in words
    assert "s3cret" not in words


def test_main_says_so_when_other_machines_can_reach_it(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with serve(tmp_path / "root", [OWNER], host="0.0.0.0", log=log) as running:
        port = running.endpoint.rpartition(":")[2]
        assert HfApi(endpoint=f"http://127.0.0.1:{port}", token=OWNER.token).whoami()["name"] == "ann"
    assert "WARNING listening on 0.0.0.0, which other machines can reach" in log.read_text()


def test_main_listens_on_loopback_only(hub: TestHub) -> None:
    port = int(hub.endpoint.rpartition(":")[2])
    listening = [
        line.split()[1]
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        for line in Path(table).read_text().splitlines()[1:]
        if line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A"
    ]
    assert listening == [f"0100007F:{port:04X}"]


def test_main_no_token_is_in_the_log_or_the_list_of_processes(hub: TestHub, model: str) -> None:
    hub.owner.whoami()
    hub.reader.model_info(model)
    log = hub.log.read_text()
    assert f"GET /api/models/{model} 200" in log
    for secret in (OWNER.token, READER.token, "signature="):
        assert secret not in log
    commands = [path.read_bytes() for path in Path("/proc").glob(f"{os.getpid()}/task/*/children")]
    children = b" ".join(commands).split()
    assert children
    for child in children:
        assert OWNER.token.encode() not in Path(f"/proc/{int(child)}/cmdline").read_bytes()
