"""A localhub under a team: fifty clients for a minute, thousands of half-sent requests, a large listing.

    python -m bench.localhub                              # about two minutes
    python -m bench.localhub --clients 10 --seconds 10 --half-sent 0

Each client is the real one, in a thread, and does one thing after another on one repository: uploads a large
file, commits small ones to the same branch, downloads, lists. Afterwards every commit that a client was told
of must be in the branch's history, and every file there. What the server answered, and how fast, is read off
its own log; its memory is its process's peak.

Ends with one line of JSON, and with exit code 1 if a figure misses what is wanted.
"""

import argparse
import json
import os
import random
import re
import socket
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

os.environ["HF_HUB_DISABLE_XET"] = "1"  # read when the client is imported

from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub.utils.tqdm import disable_progress_bars

from localhub.process import RunningHub, User, serve

USER = User("bench", "write", "token-of-the-bench")
REPO = "bench/shared"
LARGE_BYTES = 512 * 1024
FILES_LISTED = 5000
WANTED_MIB, WANTED_LISTING_SECONDS, WANTED_DROPPED_SECONDS = 300.0, 3.0, 45.0
# What an answer took, as the server's log has it: from its request's head to its own.
_LOGGED = re.compile(r" (?:GET|HEAD|POST|PUT|DELETE) \S+ (\d{3}) (\d+) ms ")
# A head that does not end, a head that ends and a body that does not, and nothing at all.
_HALVES = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Half: ",
    b"POST /api/validate-yaml HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{",
    b"",
)


@dataclass
class Done:
    """What the clients were told, gathered over their threads."""

    commits: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)


def main() -> int:
    """Load a server, then print what it held."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--clients", type=int, default=50)
    p.add_argument("--seconds", type=float, default=60.0)
    p.add_argument("--half-sent", type=int, default=3000, help="requests that are begun and not ended")
    a = p.parse_args()
    disable_progress_bars()
    with tempfile.TemporaryDirectory(prefix="katman-bench-") as name:
        found = measured(Path(name), a.clients, a.seconds, a.half_sent)
    figures, also = judged(found), found["also"]
    print(f"{a.clients} clients for {a.seconds:.0f} s: {also}")
    print(json.dumps({"figures": figures, "also": also, "machine": f"{os.cpu_count()} cores"}))
    return 0 if all(figure["ok"] for figure in figures.values()) else 1


def measured(folder: Path, clients: int, seconds: float, half_sent: int) -> dict[str, Any]:
    """Put each load on one server in turn."""
    log = folder / "hub.log"
    with serve(folder / "root", [USER], log=log) as hub:
        api = HfApi(endpoint=hub.endpoint, token=USER.token)
        api.create_repo(REPO)
        done = run_clients(hub.endpoint, folder, clients, seconds)
        answers = [(int(code), int(ms)) for code, ms in _LOGGED.findall(log.read_text("utf-8"))]
        found: dict[str, Any] = {
            "server_errors": sum(code >= 500 for code, _ in answers),
            "client_errors": done.errors.total(),
            "lost_commits": lost(api, done),
            "listing_seconds": listing_seconds(api),
        }
        if half_sent:
            found["dropped_seconds"] = dropped_seconds(hub, half_sent)
        found["peak_mib"] = peak_mib(hub.pid)
    cuts = statistics.quantiles([ms for _, ms in answers], n=100)
    found["also"] = {
        "requests_per_second": round(len(answers) / seconds, 1),
        **{name: round(cuts[at]) for name, at in (("p50_ms", 49), ("p95_ms", 94), ("p99_ms", 98))},
        "commits": len(done.commits),
        "calls": dict(sorted(done.calls.items())),
        "errors": dict(done.errors),
    }
    return found


def judged(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Ask of each figure what is wanted of it."""
    wanted: dict[str, float] = {
        "server_errors": 0,
        "client_errors": 0,
        "lost_commits": 0,
        "listing_seconds": WANTED_LISTING_SECONDS,
        "dropped_seconds": WANTED_DROPPED_SECONDS,
        "peak_mib": WANTED_MIB,
    }
    return {
        name: {"value": round(found[name], 2), "wanted": most, "ok": found[name] <= most}
        for name, most in wanted.items()
        if name in found
    }


def run_clients(endpoint: str, folder: Path, clients: int, seconds: float) -> Done:
    """Let clients work beside each other for so long."""
    done, end = Done(), time.monotonic() + seconds
    threads = [
        threading.Thread(
            target=_work, args=(HfApi(endpoint=endpoint, token=USER.token), folder, number, end, done)
        )
        for number in range(clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return done


def _work(api: HfApi, folder: Path, number: int, end: float, done: Done) -> None:
    draws = random.Random(number)

    def upload() -> None:
        _commit(api, done, f"large/{number}-{draws.getrandbits(32):08x}.bin", draws.randbytes(LARGE_BYTES))

    def commit() -> None:
        _commit(
            api, done, f"small/{number}-{draws.getrandbits(32):08x}.txt", draws.randbytes(100).hex().encode()
        )

    def download() -> None:
        with done.lock:
            path = draws.choice(done.paths) if done.paths else ".gitattributes"
        api.hf_hub_download(REPO, path, local_dir=folder / "downloads" / str(number), force_download=True)

    def listing() -> None:
        what = draws.randrange(3)
        if what == 0:
            list(api.list_repo_tree(REPO, recursive=True))
        elif what == 1:
            api.list_repo_commits(REPO)
        else:
            api.model_info(REPO)

    calls: list[Callable[[], None]] = [upload, commit, download, listing]
    while time.monotonic() < end:
        call = draws.choice(calls)
        try:
            call()
        except Exception as error:  # whatever it is, it is counted, and misses what is wanted
            with done.lock:
                done.errors[f"{call.__name__}: {type(error).__name__}"] += 1
        with done.lock:
            done.calls[call.__name__] += 1


def _commit(api: HfApi, done: Done, path: str, content: bytes) -> None:
    made = api.create_commit(REPO, [CommitOperationAdd(path, content)], commit_message=path)
    with done.lock:
        done.commits.append(made.oid)
        done.paths.append(path)


def lost(api: HfApi, done: Done) -> int:
    """Count the commits that clients were told of and the branch does not have, and their files."""
    history = {commit.commit_id for commit in api.list_repo_commits(REPO)}
    files = set(api.list_repo_files(REPO))
    return len(set(done.commits) - history) + len(set(done.paths) - files)


def listing_seconds(api: HfApi) -> float:
    """List a repository of 5,000 files with the last commit of each."""
    repo = api.create_repo("bench/many").repo_id
    for part in range(5):
        added = [CommitOperationAdd(f"{part}/{number}.txt", b"1") for number in range(FILES_LISTED // 5)]
        api.create_commit(repo, added, commit_message=str(part))
    begin = time.perf_counter()
    entries = list(api.list_repo_tree(repo, recursive=True, expand=True))
    seconds = time.perf_counter() - begin
    if len(entries) < FILES_LISTED or any(entry.last_commit is None for entry in entries):
        raise RuntimeError(f"{len(entries)} entries, not all with a commit")
    return seconds


def dropped_seconds(hub: RunningHub, count: int) -> float:
    """Begin so many requests and end none; return how long the last of them is kept.

    Raises:
        RuntimeError: Meanwhile the server answers nobody else.
    """
    host, _, port = hub.endpoint.removeprefix("http://").rpartition(":")
    api = HfApi(endpoint=hub.endpoint, token=USER.token)
    begin = time.monotonic()
    with _half_sent((host, int(port)), count) as waiting:
        if not api.repo_exists(REPO):
            raise RuntimeError("beside half-sent requests, a whole one was not answered")
        for connection in waiting:
            connection.settimeout(max(1.0, begin + WANTED_DROPPED_SECONDS * 2 - time.monotonic()))
            _read_to_the_end(connection)
    return time.monotonic() - begin


@contextmanager
def _half_sent(address: tuple[str, int], count: int) -> Iterator[list[socket.socket]]:
    waiting: list[socket.socket] = []
    try:
        for number in range(count):
            connection = socket.create_connection(address, timeout=30)
            connection.sendall(_HALVES[number % len(_HALVES)])
            waiting.append(connection)
        yield waiting
    finally:
        for connection in waiting:
            connection.close()


def _read_to_the_end(connection: socket.socket) -> None:
    try:
        while connection.recv(65536):
            pass
    except ConnectionError:
        return


def peak_mib(pid: int) -> float:
    """The most memory that a process ever held."""
    status = Path(f"/proc/{pid}/status").read_text("utf-8")
    [kilobytes] = re.findall(r"VmHWM:\s+(\d+) kB", status)
    return int(kilobytes) / 1024


if __name__ == "__main__":
    raise SystemExit(main())
