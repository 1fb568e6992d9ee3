"""Run the workspace's flow on a real Prefect server, and show how far it is."""

import os
import re
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple, TextIO

from flows import child
from pipeline.errors import ExitCode
from pipeline.records.failure import FAILURE_FILE, read
from sample.drive_room import Room
from sample.drive_screen import Screen
from sample.workspace import SampleError

_SECONDS_TO_START = 120.0
_SAID = re.compile(r"\| Task run '(?P<step>\w+)' - (?P<text>.*)")
_BAR = re.compile(r"%\|.*\| (?P<done>\d+)/(?P<all>\d+) \[")
_HUSHED = (
    *("Running stage", "> ", "Updating lock file", "Generating lock file", "Finished in state"),
    "Once your service runs it",
)


def start_server(room: Room, password: str) -> tuple[str, subprocess.Popen[bytes]]:
    """Start Prefect with a database and a password of its own, without waiting for it.

    Returns:
        Its address and process.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "prefect",
        "server",
        "start",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--no-ui",
    ]
    room.logs.mkdir(exist_ok=True)
    with (room.logs / "prefect.txt").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=room.folder,
            env=room.environment(PREFECT_SERVER_API_AUTH_STRING=password),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches the driver, which then ends it
            preexec_fn=partial(child.follow, os.getpid()),  # and so does a driver that is killed
        )
    return f"http://127.0.0.1:{port}/api", process


@contextmanager
def server(room: Room) -> Iterator["Server"]:
    """Have a Prefect server for as long as the block runs; it starts while the block does other things."""
    password = f"katman:{secrets.token_urlsafe(16)}"  # for this run alone
    url, process = start_server(room, password)
    try:
        yield Server(url, process, room, password)
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Server:
    """A Prefect server that was started and may not answer yet."""

    def __init__(self, url: str, process: subprocess.Popen[bytes], room: Room, password: str) -> None:
        self.url, self._process, self._room, self.password = url, process, room, password

    def wait(self) -> None:
        """Wait until it answers.

        Raises:
            SampleError: The server ended, or does not answer in time.
        """
        end = time.monotonic() + _SECONDS_TO_START
        while self._process.poll() is None and time.monotonic() < end:
            with (
                suppress(urllib.error.URLError, OSError),
                urllib.request.urlopen(f"{self.url}/health", timeout=5),
            ):
                return
            time.sleep(0.2)
        raise SampleError(failure("Prefect did not start", self._room.logs / "prefect.txt"))


class Ended(NamedTuple):
    """What came of a run of the flow, in one sentence; and whether its candidate waits for a person."""

    outcome: str
    waits: bool


def retrain(room: Room, server: Server, endpoint: str, screen: Screen, log: Path) -> Ended:
    """Run the flow in the workspace, as a child process with the workspace's own code.

    Args:
        room: The sample's folders.
        server: Where the run is recorded.
        endpoint: The Hub.
        screen: Shows each step.
        log: Gets the full output.

    Raises:
        SampleError: The flow failed; the message holds the end of its log.
    """
    command = [sys.executable, "-m", "pipeline", "retrain"]
    with (
        tempfile.TemporaryDirectory(dir=room.folder) as scratch,
        log.open("w", encoding="utf-8") as file,
        Path(scratch, "said.txt").open("w+", encoding="utf-8") as said,
    ):
        failure_file = Path(scratch, "failure.json")
        more = {
            "PREFECT_API_URL": server.url,
            "PREFECT_API_AUTH_STRING": server.password,
            "HF_ENDPOINT": endpoint,
            FAILURE_FILE: str(failure_file),
        }
        with subprocess.Popen(
            command,
            cwd=room.work,
            env=room.environment(**more),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.PIPE,  # Prefect's log
            encoding="utf-8",
            errors="replace",
        ) as flow:
            try:
                assert flow.stderr is not None
                _show(_kept(flow.stderr, file), screen)
            except BaseException:
                flow.terminate()
                raise
        if flow.returncode == ExitCode.DONE:
            said.seek(0)
            return Ended(said.read().strip(), waits=False)
        found = read(failure_file)
    if found is not None and found.exit_code == ExitCode.WAITS_FOR_PERSON:
        return Ended(found.message, waits=True)
    raise SampleError(
        failure(found.message if found else f"the flow ended with exit code {flow.returncode}", log)
    )


def _kept(lines: Iterable[str], file: TextIO) -> Iterator[str]:
    for line in lines:
        file.write(line)
        file.flush()
        yield line


def _show(lines: Iterable[str], screen: Screen) -> None:
    """Show each step of a flow's log."""
    step, last = "", ""
    for line in lines:
        said = _SAID.search(line)
        if said is None:
            continue
        if said["step"] != step:
            step, last = said["step"], ""
            screen.begin(step)
        if said["text"].startswith("Finished in state"):
            screen.end(last or "done")
        elif not said["text"].startswith(_HUSHED):
            bar = _BAR.search(said["text"])
            last = last if bar else said["text"]
            screen.note(f"{bar['done']} of {bar['all']} done" if bar else last)


def failure(what: str, log: Path) -> str:
    """Say what failed, with the end of a log and where all of it is."""
    lines = log.read_text("utf-8", errors="replace").splitlines()[-15:] if log.exists() else []
    return "\n".join([what, *(f"  | {line}" for line in lines), f"The full log is {log}"])
