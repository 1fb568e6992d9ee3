"""Run the workspace's flow on a real Prefect server, and show how far it is."""

import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from sample.drive_room import Room
from sample.drive_screen import Screen
from sample.workspace import SampleError

_SECONDS_TO_START = 120.0
_SAID = re.compile(r"\| Task run '(?P<step>\w+)' - (?P<text>.*)")
_ENDED = re.compile(
    r"\| Flow run '[^']+' - Finished in state (?P<name>\w+)\((?P<quote>['\"])(?P<text>.*)(?P=quote)"
)
_BAR = re.compile(r"%\|.*\| (?P<done>\d+)/(?P<all>\d+) \[")
_HUSHED = ("Running stage", "> ", "Updating lock file", "Generating lock file", "Finished in state")


def start_server(room: Room) -> tuple[str, subprocess.Popen[bytes]]:
    """Start Prefect with a database of its own, without waiting for it; returns its address and process."""
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
            env=room.environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches the driver, which then ends it
        )
    return f"http://127.0.0.1:{port}/api", process


@contextmanager
def server(room: Room) -> Iterator["Server"]:
    """Have a Prefect server for as long as the block runs; it starts while the block does other things."""
    url, process = start_server(room)
    try:
        yield Server(url, process, room)
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Server:
    """A Prefect server that was started and may not answer yet."""

    def __init__(self, url: str, process: subprocess.Popen[bytes], room: Room) -> None:
        self.url, self._process, self._room = url, process, room

    def wait(self) -> None:
        """Wait until it answers.

        Raises:
            SampleError: It ended, or does not answer in time.
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


def run(room: Room, server: Server, endpoint: str, screen: Screen, log: Path) -> str:
    """Run the flow in the workspace, as a child process with the workspace's own code.

    Args:
        room: The sample's folders.
        server: Where the run is recorded.
        endpoint: The Hub.
        screen: Shows each step.
        log: Gets the full output.

    Returns:
        The end of the run in one sentence.

    Raises:
        SampleError: The flow failed; the message holds the end of its log.
    """
    env = room.environment(PREFECT_API_URL=server.url, HF_ENDPOINT=endpoint)
    command = [sys.executable, "-m", "flows.retrain"]
    with (
        log.open("w", encoding="utf-8") as file,
        subprocess.Popen(
            command,
            cwd=room.work,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        ) as flow,
    ):
        try:
            assert flow.stdout is not None
            outcome = _show(_kept(flow.stdout, file), screen)
        except BaseException:
            flow.terminate()
            raise
    if flow.returncode != 0:
        raise SampleError(failure(outcome or f"the flow ended with exit code {flow.returncode}", log))
    return outcome


def _kept(lines: Iterable[str], file: TextIO) -> Iterator[str]:
    for line in lines:
        file.write(line)
        file.flush()
        yield line


def _show(lines: Iterable[str], screen: Screen) -> str:
    """Show each step of a flow's log; returns the sentence the flow ended with."""
    step, last, outcome = "", "", ""
    for line in lines:
        if ended := _ENDED.search(line):
            outcome = ended["text"]
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
    return outcome


def failure(what: str, log: Path) -> str:
    """Say what failed, with the end of a log and where all of it is."""
    lines = log.read_text("utf-8", errors="replace").splitlines()[-15:] if log.exists() else []
    return "\n".join([what, *(f"  | {line}" for line in lines), f"The full log is {log}"])
