"""A real Prefect server and worker, started as systemd/ starts them, and what the tests ask the server."""

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psutil  # type: ignore[import-untyped]

from tests.support import units

ROOT = Path(__file__).parents[2]
# What stands in the environment of the units' workspace, from here.
PROGRAMS = {
    "prefect": [sys.executable, "-m", "prefect"],
    "katman": [sys.executable, str(ROOT / "launcher.py")],
}
PASSWORD = "katman:a-password-of-the-tests"
CLIENT = str(uuid.uuid4())
BASIC = base64.b64encode(PASSWORD.encode()).decode()


@dataclass(frozen=True)
class Prefect:
    """A running server: its API's address and the environment that leads to it."""

    url: str
    env: dict[str, str]

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """GET, or POST where there is a body; as Prefect's client, again where SQLite was locked (503)."""
        for _ in range(4):
            try:
                return self._ask(path, body)
            except urllib.error.HTTPError as error:
                if error.code < 500:
                    raise
                error.close()
                time.sleep(1)
        return self._ask(path, body)

    def _ask(self, path: str, body: dict[str, Any] | None) -> Any:
        headers = {"Content-Type": "application/json", "Authorization": f"Basic {BASIC}"}
        if body is not None:
            token = self.ask(f"csrf-token?client={CLIENT}")["token"]
            headers |= {"Prefect-Csrf-Token": token, "Prefect-Csrf-Client": CLIENT}
        request = urllib.request.Request(
            f"{self.url}/{path}", None if body is None else json.dumps(body).encode(), headers
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def cli(self, *words: str) -> str:
        """Run `prefect WORDS` in the repository's root."""
        command = [sys.executable, "-m", "prefect", "--no-prompt", *words]
        done = subprocess.run(
            command, cwd=ROOT, env=self.env, text=True, capture_output=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def runs_on(self, workspace: Path) -> list[dict[str, Any]]:
        """The flow runs on one workspace, the latest first."""
        runs = self.ask("flow_runs/filter", {"sort": "START_TIME_DESC"})
        return [run for run in runs if run["parameters"].get("workspace") == str(workspace)]

    def tasks_of(self, run: dict[str, Any]) -> dict[str, str]:
        """Name and state of each task of a run, in the order in which they started."""
        # Task runs reach the database through the event stream: they can lag behind their flow's end.
        body = {"flow_runs": {"id": {"any_": [run["id"]]}}, "sort": "EXPECTED_START_TIME_ASC"}
        return {task["name"]: task["state"]["name"] for task in self.ask("task_runs/filter", body)}

    def logs_of(self, run: dict[str, Any]) -> list[str]:
        """The lines of a run's log."""
        body = {"logs": {"flow_run_id": {"any_": [run["id"]]}}, "sort": "TIMESTAMP_ASC"}
        return [line["message"] for line in self.ask("logs/filter", body)]

    def artifact_of(self, run: dict[str, Any], key: str = "retrain") -> str:
        """The run's page."""
        body = {"artifacts": {"flow_run_id": {"any_": [run["id"]]}, "key": {"any_": [key]}}}
        (artifact,) = self.ask("artifacts/filter", body)
        return str(artifact["data"])

    def start_flow(self, workspace: Path, *options: str) -> subprocess.Popen[str]:
        """Start the flow once on a toy, as `katman retrain` does in a workspace."""
        return self._start(ROOT, "tests.flows.once", str(workspace), *options)

    def start_retrain(self, workspace: Path, *options: str) -> subprocess.Popen[str]:
        """Start `katman retrain` in a workspace, with the workspace's own code."""
        return self._start(workspace, "pipeline", "retrain", *options)

    def _start(self, folder: Path, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", *words],
            cwd=folder,
            env=self.env,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def run_flow(self, workspace: Path, *options: str) -> tuple[int, str]:
        """Run the flow once on a toy; returns its exit code and what it printed."""
        return ended(self.start_flow(workspace, *options), 60)

    def retrain(self, workspace: Path, *options: str) -> tuple[int, str]:
        """Run `katman retrain` in a workspace; returns its exit code and what it printed."""
        return ended(self.start_retrain(workspace, *options), 240)


def ended(process: subprocess.Popen[str], seconds: float) -> tuple[int, str]:
    """Wait for a process; returns its exit code and what it printed."""
    with process:
        output, _ = process.communicate(timeout=seconds)
    return process.returncode, output


def alive(pid: int) -> bool:
    """Whether a process runs; one that nobody has looked after since it ended does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


Found = TypeVar("Found")


def until(found: Callable[[], Found], seconds: float = 30) -> Found:
    """Wait for something true, and return it."""
    end = time.monotonic() + seconds
    while True:
        if value := found():
            return value
        assert time.monotonic() < end, f"nothing came in {seconds} s"
        time.sleep(0.2)


@contextmanager
def process(command: list[str], env: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Keep a process running for as long as the block does, and end it with SIGTERM."""
    with log.open("wb") as file:
        running = subprocess.Popen(command, cwd=ROOT, env=env, stdout=file, stderr=subprocess.STDOUT)
        try:
            yield running
        finally:
            running.send_signal(signal.SIGTERM)
            try:
                running.wait(30)
            except subprocess.TimeoutExpired:
                running.kill()
                running.wait()


@contextmanager
def serve(home: Path) -> Iterator[Prefect]:
    """Run `prefect server start` with a database of its own."""
    prefect = prepare(home)
    with start(prefect):
        yield prefect


def prepare(home: Path) -> Prefect:
    """Choose a port and a folder for a server that is not there yet."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}/api"
    outer = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    of_units = units.environment("katman-server.service") | units.environment("katman-worker.service")
    env = {**of_units, **outer} | {
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": url,
        "PREFECT_SERVER_API_AUTH_STRING": PASSWORD,
        "PREFECT_API_AUTH_STRING": PASSWORD,
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": url.removesuffix("/api"),
        # How often worker and scheduler look for work, and how long events and logs are held back: 10, 60, 5
        # and 2 s by default, for which every test would wait. Below 1 Prefect 3.8's recorder never sleeps.
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "5",
        "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_FLUSH_INTERVAL": "1",
        "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
        "PREFECT_LOGGING_TO_API_BATCH_INTERVAL": "1",
        "NO_COLOR": "1",
    }
    home.mkdir(exist_ok=True)
    return Prefect(url, env)


@contextmanager
def start(prefect: Prefect) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server on its database, for the first time or again."""
    port = prefect.url.removesuffix("/api").rpartition(":")[2]
    command = units.command("katman-server.service", PROGRAMS)
    command[command.index("--port") + 1] = port
    log = Path(prefect.env["PREFECT_HOME"], "server.log")
    with process([*command, "--no-ui"], prefect.env, log) as running:

        def healthy() -> bool:
            assert running.poll() is None, log.read_text("utf-8")
            try:
                return bool(prefect.ask("health"))
            except (urllib.error.URLError, ConnectionError):
                return False

        until(healthy, 120)
        yield running


Worker = subprocess.Popen[bytes]


@contextmanager
def start_worker(prefect: Prefect, folder: Path) -> Iterator[Worker]:
    """Run the worker for the workspaces below a folder, from the project's own code."""
    command = units.command("katman-worker.service", PROGRAMS)
    with process([*command, "--also", str(folder)], prefect.env, folder / "worker.log") as running:
        yield running
