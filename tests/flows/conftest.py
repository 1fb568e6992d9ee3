"""One server and one worker for the whole folder."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flows.server import Prefect, process, serve
from tests.flows.toy import make_toy


@pytest.fixture(scope="session")
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prefect]:
    with serve(tmp_path_factory.mktemp("prefect")) as server:
        yield server


@pytest.fixture(scope="session")
def worker(prefect: Prefect, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A process worker, with the deployment of prefect.yaml in place."""
    prefect.cli("work-pool", "create", "katman", "--type", "process")
    prefect.cli("deploy", "--all")
    log = tmp_path_factory.mktemp("worker") / "worker.log"
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", "katman"]
    with process(command, prefect.env, log):
        yield


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    return make_toy(tmp_path / "toy")
