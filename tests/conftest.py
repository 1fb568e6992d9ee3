"""One localhub for all tests of a session, with a tiny model and a tiny data set on it."""

import os

# huggingface_hub reads these when it is imported, which is before any fixture runs.
os.environ["HF_HUB_DISABLE_XET"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from localhub.process import User, serve
from tests import workspace


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
    users = [User("tester", "write", workspace.TOKEN), User("tester", "read", workspace.READ_TOKEN)]
    with serve(root / "hub", users, log=root / "hub.log") as hub:
        workspace.tiny_model(root / "tiny")
        workspace.write_splits(
            root / "triplets",
            {
                "train": workspace.triplets(60),
                "validation": workspace.triplets(20, start=100),
                "test": workspace.triplets(30, start=200),
            },
        )
        yield Stage(
            endpoint=hub.endpoint,
            base=workspace.put(hub.endpoint, "tester/tiny", "model", root / "tiny"),
            dataset=workspace.put(hub.endpoint, "tester/triplets", "dataset", root / "triplets"),
            env=workspace.environment(hub.endpoint, root / "home"),
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
        return workspace.make(self.folder, pinned | (changes or {}), dvc=dvc)
