"""One localhub for all tests of a session, with a tiny model and a tiny data set on it."""

import os
import tempfile

# huggingface_hub reads these when it is imported, which is before any fixture runs.
os.environ["HF_HUB_DISABLE_XET"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
os.environ["DVC_NO_ANALYTICS"] = "1"
# torch reads this when it is imported: two threads on a busy core spin five times longer than one works.
os.environ["OMP_NUM_THREADS"] = "1"
# A tester's own token, cache and Hub have no part in a test.
os.environ["HF_HOME"] = tempfile.mkdtemp(prefix="katman-tests-")
os.environ.pop("HF_TOKEN", None)
os.environ.pop("HUGGING_FACE_HUB_TOKEN", None)
os.environ.pop("HF_TOKEN_PATH", None)
os.environ.pop("HF_HUB_CACHE", None)
os.environ.pop("HF_ENDPOINT", None)
os.environ.pop("SSL_CERT_FILE", None)

import atexit
import shutil
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from localhub.process import User, serve
from tests.support import sorting, workspaces

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from xdist.remote import Producer  # type: ignore[import-untyped]

    from pipeline.isolated.mteb_process import Mteb
    from tests.support.scheduler import Scheduler


def pytest_configure(config: pytest.Config) -> None:
    # huggingface_hub 2.4 sends an upload in a way that httpx2 has deprecated.
    config.addinivalue_line("filterwarnings", "ignore:Use 'content=<...>' to upload:DeprecationWarning")


def pytest_xdist_make_scheduler(config: pytest.Config, log: "Producer") -> "Scheduler":
    from tests.support.scheduler import Scheduler

    return Scheduler(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    tests = [item for item in items if isinstance(item, pytest.Function)]
    for item in tests:
        for name in sorting.needs(item):
            item.add_marker(name)
    if hasattr(
        config, "workerinput"
    ):  # a worker of xdist, which starts files in the order of their first tests
        others = [item for item in items if item not in tests]
        items[:] = [*sorted(tests, key=sorting.rank), *others]


atexit.register(shutil.rmtree, os.environ["HF_HOME"], ignore_errors=True)


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Put back what SIGTERM and Ctrl-C do: a flow is deaf to them once it ends, and here pytest goes on."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(autouse=True, scope="module")
def plain_client() -> None:
    """Give a file's tests the client as it comes: a step leaves one that speaks to its own Hub alone."""
    if "huggingface_hub" in sys.modules:
        from huggingface_hub import set_client_factory
        from huggingface_hub.utils._http import default_client_factory

        set_client_factory(default_client_factory)


@dataclass(frozen=True)
class Stage:
    """A Hub that answers, what lies on it, and the environment of a user of it."""

    endpoint: str
    base: str
    dataset: str
    env: dict[str, str]


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    root = tmp_path_factory.mktemp("stage")
    users = [User("tester", "write", workspaces.TOKEN), User("tester", "read", workspaces.READ_TOKEN)]
    with serve(root / "hub", users, log=root / "hub.log") as hub:
        workspaces.tiny_model(root / "tiny")
        workspaces.write_splits(
            root / "triplets",
            {
                "train": workspaces.triplets(60),
                "validation": workspaces.triplets(20, start=100),
                "test": workspaces.triplets(30, start=200),
            },
        )
        yield Stage(
            endpoint=hub.endpoint,
            base=workspaces.put(hub.endpoint, "tester/tiny", "model", root / "tiny"),
            dataset=workspaces.put(hub.endpoint, "tester/triplets", "dataset", root / "triplets"),
            env=workspaces.environment(hub.endpoint, root / "home"),
        )


@pytest.fixture
def make_workspace(stage: Stage, tmp_path: Path) -> "Make":
    return Make(stage, tmp_path / "work")


@dataclass(frozen=True)
class Make:
    """Makes one workspace against the session's Hub."""

    stage: Stage
    folder: Path

    def __call__(self, changes: dict[str, object] | None = None, *, dvc: bool = True) -> Path:
        pinned = {"dataset.revision": self.stage.dataset, "base.revision": self.stage.base}
        return workspaces.make(self.folder, pinned | (changes or {}), dvc=dvc)


@pytest.fixture
def writer(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """Make this process a user of the session's Hub who may write."""
    monkeypatch.setenv("HF_ENDPOINT", stage.endpoint)
    monkeypatch.setenv("HF_TOKEN", workspaces.TOKEN)
    return stage


@pytest.fixture(scope="session")
def finished(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in which every stage ran once, in this process; nobody changes it."""
    from pipeline.params import load
    from pipeline.stages.audit import step as audit
    from pipeline.stages.card import step as card
    from pipeline.stages.evaluate import step as evaluate
    from pipeline.stages.gate import step as gate
    from pipeline.stages.pin import step as pin
    from pipeline.stages.train import step as train

    root = tmp_path_factory.mktemp("finished")
    workspaces.write_splits(root / "mixed", workspaces.mixed())
    changes = workspaces.MIXED | {
        "base.revision": stage.base,
        "dataset.revision": workspaces.put(stage.endpoint, "tester/mixed", "dataset", root / "mixed"),
    }
    folder = workspaces.make(root / "work", changes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_ENDPOINT", stage.endpoint)
        patch.setenv("HF_TOKEN", workspaces.TOKEN)
        for step in (pin, audit, train, evaluate, gate, card):
            step.run(folder, load(folder))
    workspaces.commit(folder, run_cache=True)
    return folder


@pytest.fixture
def line(finished: Path, writer: Stage, tmp_path: Path) -> Path:
    """A copy of the finished workspace, and its release repository gone from the Hub."""
    workspaces.forget(writer.endpoint, workspaces.MIXED["release.repo"])
    return Path(shutil.copytree(finished, tmp_path / "line", symlinks=True))


@pytest.fixture(scope="session")
def judged(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a tiny candidate that passed the gate; nobody changes it."""
    from huggingface_hub import snapshot_download

    from tests.support import sealed
    from tests.support.releasing import NAMES

    root = tmp_path_factory.mktemp("judged")
    model = snapshot_download("tester/tiny", revision=stage.base, endpoint=stage.endpoint)
    changes = {"dataset.revision": stage.dataset, "base.revision": stage.base} | NAMES
    return sealed.make(root / "work", Path(model), changes)


@pytest.fixture
def ready(judged: Path, writer: Stage, tmp_path: Path) -> Path:
    """A copy of it, and its release repository gone from the Hub."""
    from tests.support.releasing import REPO

    workspaces.forget(writer.endpoint, REPO)
    return Path(shutil.copytree(judged, tmp_path / "line", symlinks=True))


@pytest.fixture
def api(writer: Stage) -> "HfApi":
    """The real client, for a user who may write."""
    from huggingface_hub import HfApi

    return HfApi(endpoint=writer.endpoint, token=workspaces.TOKEN)


@pytest.fixture(scope="session")
def mteb() -> "Iterator[Mteb]":
    """mteb in its process, which takes seconds to start."""
    from pipeline.isolated import mteb_process

    with mteb_process.running(1) as found:
        yield found


@pytest.fixture
def mteb_runs(mteb: "Mteb", monkeypatch: pytest.MonkeyPatch) -> None:
    """Have steps take that process instead of one of their own."""
    from contextlib import nullcontext

    from pipeline.isolated import mteb_process

    monkeypatch.setattr(mteb_process, "running", lambda threads=None: nullcontext(mteb))


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny encoder on disk."""
    from tests.support import tiny

    return tiny.save_encoder(tmp_path_factory.mktemp("encoder"))
