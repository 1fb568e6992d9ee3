"""One server for the session, spoken to by the real client only."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

# The client reads this when it is imported.
os.environ["HF_HUB_DISABLE_XET"] = "1"

import pytest
from huggingface_hub import CommitOperationAdd, HfApi, constants
from huggingface_hub.utils.tqdm import disable_progress_bars

from localhub.process import RunningHub, User, serve

OWNER = User("ann", "write", "token-that-writes-6b1f")
READER = User("bob", "read", "token-that-reads-93ce")
OTHER = User("eve", "write", "token-of-another-writer-27aa")
PART_BYTES = 100_000


@dataclass(frozen=True)
class TestHub:
    """The session's server, its clients and its log."""

    __test__ = False

    endpoint: str
    root: Path
    log: Path
    owner: HfApi
    reader: HfApi
    anonymous: HfApi


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # huggingface_hub 2.4 sends large files in a way that its own HTTP library is about to drop.
    ignore = pytest.mark.filterwarnings("ignore:Use 'content=<...>' to upload raw bytes:DeprecationWarning")
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(ignore)


@pytest.fixture(scope="session", autouse=True)
def _fresh_client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    # Where another test imported the client first, the environment would come too late.
    home = tmp_path_factory.mktemp("client")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        patch.setattr(constants, "HF_HUB_CACHE", str(home / "cache"))
        patch.setattr(constants, "HF_TOKEN_PATH", str(home / "token"))
        disable_progress_bars()
        yield


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestHub]:
    folder = tmp_path_factory.mktemp("hub")
    root, log = folder / "root", folder / "hub.log"
    with serve(root, [OWNER, READER, OTHER], log=log, options=["--part-bytes", str(PART_BYTES)]) as running:
        yield clients(running, root, log)


@pytest.fixture(scope="session")
def names() -> Iterator[str]:
    return (f"ann/repo-{number}" for number in count(1))


@pytest.fixture
def model(hub: TestHub, names: Iterator[str]) -> str:
    """A new public model repo with a card and a large file."""
    repo = next(names)
    hub.owner.create_repo(repo)
    hub.owner.create_commit(repo, card_and_weights(), commit_message="first", commit_description="Why.")
    return repo


@pytest.fixture
def empty_model(hub: TestHub, names: Iterator[str]) -> str:
    repo = next(names)
    hub.owner.create_repo(repo)
    return repo


CARD = b"---\nlicense: mit\nlanguage:\n- tr\ntags:\n- telecom\n---\n# A card\n\nSome text.\n"
WEIGHTS = hashlib.shake_256(b"weights").digest(25_000)


def card_and_weights() -> list[CommitOperationAdd]:
    return [
        CommitOperationAdd("README.md", CARD),
        CommitOperationAdd("model.safetensors", WEIGHTS),
        CommitOperationAdd("1_Pooling/config.json", b'{"a": 1}'),
    ]


def clients(running: RunningHub, root: Path, log: Path) -> TestHub:
    return TestHub(
        running.endpoint,
        root,
        log,
        HfApi(endpoint=running.endpoint, token=OWNER.token),
        HfApi(endpoint=running.endpoint, token=READER.token),
        HfApi(endpoint=running.endpoint, token=False),
    )
