"""What operating costs beside the steps: a schedule, a run in which nothing moved, a worker that waits.

    python -m bench.operations                  # about five minutes; needs the machine to itself

The sample's workspace, with two steps of training, on a Prefect server and a Hub of its own. First the
steps are run by hand in a copy of it, then by a worker, at the time of a cron schedule, and then a second
time, in which nothing has moved.

Ends with one line of JSON, and with exit code 1 if a figure misses what is wanted.
"""

import argparse
import base64
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from flows import child
from sample import drive, drive_flow, drive_hub, drive_room, workspace
from sample.drive_room import Room

WANTED_SECONDS_TO_FIRST_STEP = 20.0
# Of a run of ten minutes, which is short for a training.
WANTED_SHARE = 0.05
_SECONDS_OF_A_RUN = 600.0
WANTED_SECONDS_UNCHANGED = 10.0
WANTED_MIB = 300.0
BY_HAND = (("check",), ("refresh",), ("-m", "dvc", "repro"))
_SECONDS_OF_PATIENCE = 900.0
_FINAL = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


def main() -> int:
    """Measure, and print the figures."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--folder", type=Path, help="where; must be empty. Default: a temporary one")
    a = p.parse_args()
    signal.signal(signal.SIGTERM, end)
    with (
        tempfile.TemporaryDirectory(prefix="katman-bench-", ignore_cleanup_errors=True) as temporary,
        drive_room.enter(a.folder or Path(temporary)) as room,
    ):
        measured = measure(room)
    figures = judged(**measured)
    for name, one in figures.items():
        print(f"{name:<34} {one['value']:>8}   wanted at most {one['wanted']}")
    print(json.dumps({"figures": figures, "machine": f"{os.cpu_count()} cores, {platform.machine()}"}))
    return 0 if all(one["ok"] for one in figures.values()) else 1


def end(signum: int, frame: object) -> None:
    """End, and before that what was started; a second signal in that time would leave it behind."""
    signal.signal(signum, signal.SIG_IGN)
    sys.exit(128 + signum)


def judged(
    by_hand: float, by_worker: float, unchanged: float, to_first_step: float, bytes_waiting: int
) -> dict[str, dict[str, Any]]:
    """Hold what was measured against what is wanted.

    Args:
        by_hand: Seconds of the steps alone.
        by_worker: Seconds of a run of the same steps, from its process's start to its end.
        unchanged: The same of a run in which nothing had moved.
        to_first_step: Seconds from the schedule's time to the first step's start.
        bytes_waiting: Memory that the worker alone holds, while it waits.
    """
    share = max(0.0, by_worker - by_hand) / _SECONDS_OF_A_RUN
    found = {
        "schedule_to_first_step_seconds": (to_first_step, WANTED_SECONDS_TO_FIRST_STEP, 1),
        "orchestration_share_of_ten_minutes": (share, WANTED_SHARE, 4),
        "unchanged_run_seconds": (unchanged, WANTED_SECONDS_UNCHANGED, 1),
        "waiting_worker_mib": (bytes_waiting / (1 << 20), WANTED_MIB, 0),
    }
    return {
        name: {"value": round(value, digits), "wanted": wanted, "ok": value <= wanted}
        for name, (value, wanted, digits) in found.items()
    }


def measure(room: Room) -> dict[str, Any]:
    """Set everything up, and take the times."""
    with drive_flow.server(room) as prefect, drive_hub.running(room, 0) as hub:
        make(room, hub.endpoint)
        by_hand_in = shutil.copytree(room.work, room.folder / "by-hand", symlinks=True)
        prefect.wait()
        api = Api(prefect.url, prefect.password)
        env = room.environment(
            PREFECT_API_URL=prefect.url, PREFECT_API_AUTH_STRING=prefect.password, HF_ENDPOINT=hub.endpoint
        )
        begin = time.perf_counter()
        for words in BY_HAND:
            called(by_hand_in, env, *words)
        by_hand = time.perf_counter() - begin
        print(f"the steps by hand: {by_hand:.1f} s", flush=True)
        made = ("work-pool", "create", "katman", "--type", "process")
        prefect_cli(room.work, env, *made, "--base-job-template", "flows/pool.json")
        prefect_cli(room.work, env, "deploy", "--all")
        with worker(room, env) as waiting:
            cron = ("--cron", "* * * * *", "--timezone", "UTC", "--param", "release=false")
            entry = ("deploy", "flows/retrain.py:retrain", "--name", "each-minute", "--pool", "katman")
            prefect_cli(room.work, env, *entry, *cron)
            scheduled = api.first_run("each-minute")
            prefect_cli(room.work, env, "deployment", "delete", "retrain/each-minute")
            prefect_cli(room.work, env, "deployment", "run", "retrain/production", "--param", "release=false")
            again = api.first_run("production")
            time.sleep(5)
            used = psutil.Process(waiting.pid).memory_full_info().uss
        print(f"the run by schedule: {scheduled['total_run_time']:.1f} s", flush=True)
        first = api.first_step(scheduled)
    return {
        "by_hand": by_hand,
        "by_worker": scheduled["total_run_time"],
        "unchanged": again["total_run_time"],
        "to_first_step": first - at(scheduled["expected_start_time"]),
        "bytes_waiting": used,
    }


def make(room: Room, endpoint: str) -> None:
    """Put the sample's base and data on the Hub, and make its workspace, with a short training."""
    revisions = {
        "base.revision": drive_hub.put_base(endpoint, room, drive_hub.base_folder()),
        "dataset.revision": drive_hub.put_dataset(endpoint, room, edition=1),
    }
    workspace.make(room.work, room.environment())
    # What a step takes itself is no matter here, and varies by more than what is looked for.
    short = {
        "train.max_steps": 2,
        "train.batch_size": 8,
        "train.eval_steps": 0,
        "audit.shortcut.max_train_rows": 100,
        "evaluate.precisions": ["float32"],
        "evaluate.search_vectors": 1000,
        "hub.endpoint": endpoint,
        **revisions,
    }
    workspace.start(room.work, drive.on_top(room.work / "params.yaml", short), room.environment())


class Api:
    """Prefect's API, as far as it is asked here."""

    def __init__(self, url: str, password: str) -> None:
        self._url = url
        self._basic = base64.b64encode(password.encode()).decode()

    def ask(self, path: str, body: dict[str, Any]) -> Any:
        """POST, and return the answer."""
        headers = {"Content-Type": "application/json", "Authorization": f"Basic {self._basic}"}
        request = urllib.request.Request(f"{self._url}/{path}", json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def first_run(self, deployment: str) -> dict[str, Any]:
        """Wait for the end of a deployment's first run, and return it."""
        body = {
            "deployments": {"name": {"any_": [deployment]}},
            "sort": "EXPECTED_START_TIME_ASC",
            "limit": 1,
        }
        end = time.monotonic() + _SECONDS_OF_PATIENCE
        while time.monotonic() < end:
            for run in self.ask("flow_runs/filter", body):
                if run["state_type"] == "COMPLETED":
                    return dict(run)
                if run["state_type"] in _FINAL:
                    raise SystemExit(f"the run ended as {run['state']['name']}: {run['state']['message']}")
            time.sleep(1)
        raise SystemExit(f"no run of {deployment} has ended in {_SECONDS_OF_PATIENCE:.0f} s")

    def first_step(self, run: dict[str, Any]) -> float:
        """Return when a run's first step began, in seconds since the epoch."""
        body = {"flow_runs": {"id": {"any_": [run["id"]]}}, "sort": "EXPECTED_START_TIME_ASC", "limit": 1}
        end = time.monotonic() + 60
        while time.monotonic() < end:  # tasks reach the database behind their run
            for task in self.ask("task_runs/filter", body):
                return at(task["start_time"])
            time.sleep(1)
        raise SystemExit(f"Prefect's server knows no task of the run {run['id']}")


def at(time_of: str) -> float:
    """Return a time as Prefect's API writes it, in seconds since the epoch."""
    return datetime.fromisoformat(time_of.replace("Z", "+00:00")).timestamp()


def called(folder: Path, env: dict[str, str], *words: str) -> None:
    """Run a step, or a module after `-m`, to its end."""
    command = words if words[0] == "-m" else ("-m", "pipeline", *words)
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=partial(child.follow, os.getpid()),
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(words)} failed: {done.stdout}{done.stderr}")


def prefect_cli(folder: Path, env: dict[str, str], *words: str) -> None:
    """Run `prefect WORDS`."""
    called(folder, env, "-m", "prefect", "--no-prompt", *words)


@contextmanager
def worker(room: Room, env: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Have the workspace's worker for as long as the block runs."""
    with (room.logs / "worker.txt").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "pipeline", "worker"],
            cwd=room.work,
            env=env,
            stdout=log,
            stderr=log,
            preexec_fn=partial(child.follow, os.getpid()),
        )
        try:
            yield process
        finally:
            process.terminate()
            process.wait()


if __name__ == "__main__":
    sys.exit(main())
