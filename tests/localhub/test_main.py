from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from tests.localhub.conftest import OWNER, TestHub


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
