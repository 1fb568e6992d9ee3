"""One server and one worker for the whole folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flows.server import Prefect, Worker, serve, start_worker
from tests.flows.toy import make_toy


@pytest.fixture(scope="session")
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prefect]:
    with serve(tmp_path_factory.mktemp("prefect")) as server:
        yield server


@pytest.fixture(scope="session")
def deployed(prefect: Prefect) -> None:
    """The pool and the deployment, as docs/operating.md makes them."""
    made = ("work-pool", "create", "katman", "--type", "process")
    prefect.cli(*made, "--base-job-template", "flows/pool.json")
    prefect.cli("deploy", "--all")


@pytest.fixture
def worker(prefect: Prefect, deployed: None, tmp_path: Path) -> Iterator[Worker]:
    """A worker for the workspaces of one test."""
    with start_worker(prefect, tmp_path) as running:
        yield running


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    return make_toy(tmp_path / "toy")
