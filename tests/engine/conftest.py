"""Fixtures of the engine's tests: one thread (two spin on a busy machine), tiny models on disk."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.support import tiny


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def dropout_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.save_encoder(tmp_path_factory.mktemp("dropout"), dropout=0.2)
