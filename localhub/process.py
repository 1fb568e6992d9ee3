"""A localhub as a child process, for tests, the sample and the benches."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from localhub.users import User

__all__ = ["RunningHub", "User", "serve"]

_READY = "localhub ready at "
_STOP_SECONDS = 10
_PROJECT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class RunningHub:
    """A server that answers: where, and the process behind it."""

    endpoint: str
    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self.process.pid


@contextmanager
def serve(
    root: Path,
    users: Sequence[User],
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    timeout_seconds: float = 30,
    log: Path | None = None,
    options: Sequence[str] = (),
) -> Iterator[RunningHub]:
    """Start a server, wait until it answers, and stop it at the end.

    It ends with the thread that started it, even where that is killed. Tokens are passed through
    the environment, so they are not in the list of processes.

    Args:
        root: The folder of the repos; made if missing.
        users: Who may ask.
        host: The address to listen on.
        port: The port; 0 takes a free one.
        timeout_seconds: How long the server may take to start.
        log: A file for its log, appended to; without one the log is dropped.
        options: Further arguments of `python -m localhub`.

    Raises:
        RuntimeError: The server did not start; the message has its last words.
        TimeoutError: The server was not ready in time.
    """
    command = [sys.executable, "-m", "localhub", "--root", str(root.absolute())]
    command += ["--host", host, "--port", str(port), "--parent", str(os.getpid()), *options]
    lines = "\n".join(f"{user.name}:{user.role}:{user.token}" for user in users)
    environment = {**os.environ, "LOCALHUB_USERS": lines}
    with log.open("ab") if log else tempfile.TemporaryFile() as words:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=words,
            env=environment,
            cwd=_PROJECT,
            start_new_session=True,  # Ctrl-C reaches the caller, who then stops the server
        )
        try:
            yield RunningHub(_wait_until_ready(process, words, log, timeout_seconds), process)
        finally:
            _stop(process)


def _wait_until_ready(
    process: subprocess.Popen[bytes], words: IO[bytes], log: Path | None, seconds: float
) -> str:
    assert process.stdout is not None
    give_up = time.monotonic() + seconds
    if not select.select([process.stdout], [], [], max(0.0, give_up - time.monotonic()))[0]:
        raise TimeoutError(f"localhub was not ready after {seconds} s")
    line = process.stdout.readline().decode()
    if line.startswith(_READY):
        return line.removeprefix(_READY).strip()
    code = process.wait(_STOP_SECONDS)
    raise RuntimeError(f"localhub did not start (exit {code}): {_last_words(words, log)}")


def _last_words(words: IO[bytes], log: Path | None) -> str:
    if log:
        return log.read_text(errors="replace")[-2000:].strip()
    words.seek(0)
    return words.read().decode(errors="replace")[-2000:].strip()


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    assert process.stdout is not None
    process.stdout.close()
