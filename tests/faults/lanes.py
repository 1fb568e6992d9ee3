"""A lane: a workspace, a localhub and a proxy between them, put back to one start before each case."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from huggingface_hub import HfApi, constants
from ruamel.yaml import YAML

from localhub.process import RunningHub, User, serve
from pipeline.workspace import receipts
from tests.faults import plans
from tests.faults.plans import Plan
from tests.support import sealed, workspaces

REPO = "tester/release"
USERS = [User("tester", "write", workspaces.TOKEN), User("tester", "read", workspaces.READ_TOKEN)]
# The client's patience. On a busy machine the slowest honest answer takes a fifth of it.
TIMEOUT_SECONDS = 1.5
TOO_LATE_SECONDS = 2.0
RUN_SECONDS = 600
_PROJECT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Template:
    """What every case starts from.

    Attributes:
        folder: The workspace: v1 is released, another candidate is judged, which lacks a file of v1.
        hub: The server's folder then.
        first: The workspace before v1 was released; the Hub has no such repository.
    """

    folder: Path
    hub: Path
    first: Path


@dataclass(frozen=True)
class Ran:
    """One run of the pipeline: how it ended and what it said."""

    code: int
    said: str


@dataclass(frozen=True)
class Run:
    """A run that may still be going on."""

    pid: int
    _lines: queue.Queue[str]

    def wait(self, meanwhile: Callable[[], object] = lambda: None) -> Ran:
        """Wait for its end, and do something every few milliseconds; a run that hangs is killed."""
        give_up = time.monotonic() + RUN_SECONDS
        while True:
            try:
                answer = json.loads(self._lines.get(timeout=0.005))
            except queue.Empty:
                meanwhile()
                if time.monotonic() > give_up:
                    with contextlib.suppress(ProcessLookupError):  # it ended just now
                        os.kill(self.pid, signal.SIGKILL)
            else:
                return Ran(answer["code"], answer["said"])


def make_template(root: Path) -> Template:
    """Make the workspace and the Hub, and release v1 there, with nothing between them."""
    folder = root / "workspace"
    with serve(root / "hub", USERS) as hub:
        for seed in (0, 1):
            workspaces.tiny_model(root / f"tiny-{seed}", seed=seed)
        rows = {name: workspaces.triplets(20, start) for name, start in (("train", 0), ("validation", 100))}
        workspaces.write_splits(root / "triplets", rows | {"test": workspaces.triplets(20, 200)})
        changes: dict[str, Any] = {
            "live.repo": REPO,
            "release.repo": REPO,
            "base.revision": workspaces.put(hub.endpoint, "tester/tiny", "model", root / "tiny-0"),
            "dataset.revision": workspaces.put(hub.endpoint, "tester/triplets", "dataset", root / "triplets"),
        }
        (root / "tiny-0" / "stale.json").write_text("{}")
        sealed.make(folder, root / "tiny-0", changes | _patience())
        workspaces.git(folder, "gc", "--quiet")
        shutil.copytree(folder, root / "first", symlinks=True)
        ran = workspaces.pipeline(folder, workspaces.environment(hub.endpoint, root / "home"), "release")
        assert ran.returncode == 0, ran
        shutil.rmtree(folder / "model")
        shutil.copytree(root / "tiny-1", folder / "model")
        (first,) = receipts.load_all(folder)
        # Else it is a change of code alone, and compared with nothing.
        workspaces.set_params(folder, {"train.seed": 2, "live.revision": first.commit})
        sealed.seal(folder)
    workspaces.git(folder, "gc", "--quiet")
    return Template(folder, root / "hub", root / "first")


def _patience() -> dict[str, Any]:
    wanted: dict[str, Any] = {
        "timeout_seconds": TIMEOUT_SECONDS,
        "download_timeout_seconds": TIMEOUT_SECONDS,
        "retries": 2,
        "backoff_seconds": 0.05,
        "patience_hours": 0,
    }
    known = YAML(typ="safe").load((workspaces.PROJECT / "params.yaml").read_text(encoding="utf-8"))["hub"]
    return {f"hub.{key}": value for key, value in wanted.items() if key in known}


@dataclass
class Lane:
    """One at work; its cases come one after the other.

    Attributes:
        root: Its folder.
        template: What `reset` puts back.
        hub: The server, or None while it is down; `api` speaks to it without the proxy.
    """

    root: Path
    template: Template
    hub: RunningHub | None = None
    _hub_stack: ExitStack = field(default_factory=ExitStack)
    _port: int = 0
    endpoint: str = ""
    _forks: subprocess.Popen[str] | None = None
    _lines: queue.Queue[str] = field(default_factory=queue.Queue)

    @property
    def folder(self) -> Path:
        return self.root / "workspace"

    @property
    def git(self) -> Path:
        """The released repository on the server's disk."""
        return self.root / "hub" / "models" / f"{REPO}.git"

    @property
    def log(self) -> Path:
        return self.root / "proxy.log"

    @property
    def plan_file(self) -> Path:
        return self.root / "plan.json"

    @property
    def pid_file(self) -> Path:
        return self.root / "pid"

    @property
    def hub_pid_file(self) -> Path:
        return self.root / "hub.pid"

    @property
    def go_file(self) -> Path:
        return self.root / "go"

    def api(self, token: str = workspaces.TOKEN) -> HfApi:
        """A client of the server itself."""
        assert self.hub is not None
        return HfApi(endpoint=self.hub.endpoint, token=token)

    def start_hub(self, users: list[User] | None = None) -> None:
        """Start the server, on the port that it had before."""
        self.hub = self._hub_stack.enter_context(
            serve(
                self.root / "hub",
                users or USERS,
                port=self._port,
                log=self.root / "hub.log",
                timeout_seconds=RUN_SECONDS,
            )
        )
        self._port = int(self.hub.endpoint.rpartition(":")[2])
        self.hub_pid_file.write_text(str(self.hub.pid))

    def stop_hub(self, *, kill: bool = False) -> None:
        """Stop the server."""
        if self.hub is not None and kill:
            self.hub.process.kill()
        self._hub_stack.close()
        self._hub_stack = ExitStack()
        self.hub = None

    def reset(self, *, first: bool = False) -> None:
        """Put workspace and repository back to the start, or to that of the first release."""
        self.plan(Plan())
        self.log.write_bytes(b"")
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.template.first if first else self.template.folder, self.folder, symlinks=True)
        old = self.root / "old.git"
        shutil.rmtree(old, ignore_errors=True)
        if self.git.exists():
            self.git.rename(old)
        if not first:
            new = self.root / "new.git"
            shutil.copytree(self.template.hub / "models" / f"{REPO}.git", new)
            new.rename(self.git)
        self.go_file.unlink(missing_ok=True)
        self.pid_file.unlink(missing_ok=True)

    def plan(self, plan: Plan) -> None:
        """Tell the proxy what to do from here on."""
        plans.write(self.plan_file, plan)

    def start(
        self, *arguments: str, token: str | None = workspaces.TOKEN, file_bytes: int | None = None
    ) -> Run:
        """Start `python -m pipeline …` in the workspace, through the proxy."""
        assert self._forks is not None
        assert self._forks.stdin is not None
        self.pid_file.unlink(missing_ok=True)
        task = {
            "arguments": arguments,
            "environment": workspaces.environment(self.endpoint, self.root / "home", token),
            "workspace": str(self.folder),
            "file_bytes": file_bytes,
        }
        self._forks.stdin.write(json.dumps(task) + "\n")
        self._forks.stdin.flush()
        pid = int(json.loads(self._lines.get(timeout=RUN_SECONDS))["pid"])
        new = self.root / "pid.new"
        new.write_text(str(pid))
        new.replace(self.pid_file)
        return Run(pid, self._lines)

    def run(self, *arguments: str, **options: Any) -> Ran:
        """The same to its end."""
        return self.start(*arguments, **options).wait()

    def seen(self, plan: str) -> list[dict[str, Any]]:
        """Every request that the proxy saw under a plan."""
        return [line for line in self._lines_of_log() if line["plan"] == plan and line["fate"] != "done"]

    def _lines_of_log(self) -> list[dict[str, Any]]:
        whole = self.log.read_bytes().rpartition(b"\n")[0]
        return [json.loads(line) for line in whole.splitlines()]

    def settle(self) -> None:
        """Wait until the proxy is done with what it struck: a late request may still be on its way."""
        give_up = time.monotonic() + 30
        while time.monotonic() < give_up:
            fates = [line["fate"] for line in self._lines_of_log()]
            if sum(fate not in ("pass", "done") for fate in fates) == fates.count("done"):
                return
            time.sleep(0.01)
        raise TimeoutError("the proxy is not done")

    def is_struck(self, plan: str) -> bool:
        """Whether a plan's fault happened."""
        return any(line["fate"] != "pass" for line in self.seen(plan))


@contextmanager
def lane(root: Path, template: Template) -> Iterator[Lane]:
    """Make one, with its server, its proxy and the process that forks its runs."""
    root.mkdir()
    constants.HF_HUB_DISABLE_XET = True
    one = Lane(root, template)
    shutil.copytree(template.hub, root / "hub")
    one.reset()
    with ExitStack() as stack:
        stack.callback(one.stop_hub)
        one.start_hub()
        assert one.hub is not None
        command = [
            sys.executable,
            "-m",
            "tests.faults.proxy",
            "--to",
            one.hub.endpoint.removeprefix("http://"),
        ]
        command += ["--plan", str(one.plan_file), "--log", str(one.log)]
        proxy = _child(stack, command, _PROJECT, None)
        one.endpoint = _line(proxy).strip()
        environment = workspaces.environment(one.endpoint, root / "home")
        script = str(Path(__file__).with_name("forks.py"))
        one._forks = _child(stack, [sys.executable, script], one.folder, environment)
        pipe = one._forks.stdout
        assert pipe is not None
        reader = threading.Thread(target=_pass_on, args=(pipe, one._lines))
        reader.start()
        stack.callback(reader.join)
        assert json.loads(one._lines.get(timeout=RUN_SECONDS)) == {"ready": True}
        try:
            yield one
        finally:
            proxy.kill()
            one._forks.kill()


def _child(
    stack: ExitStack, command: list[str], folder: Path, environment: Mapping[str, str] | None
) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    stack.callback(_close, process)
    stack.callback(process.wait)
    return process


def _pass_on(pipe: IO[str], lines: queue.Queue[str]) -> None:
    for line in pipe:
        lines.put(line)


def _close(process: subprocess.Popen[str]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def _line(process: subprocess.Popen[str]) -> str:
    pipe: IO[str] | None = process.stdout
    assert pipe is not None
    line = pipe.readline()
    assert line, f"a child of the harness died: {process.args!r}"
    return line
