"""The note of a failure: the first one stands, and ends the ranks of other machines, as silence does."""

import json
import multiprocessing
import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from torch.distributed import TCPStore  # type: ignore[attr-defined]

from pipeline.device import failure_note
from pipeline.device.failure_note import Failure


@pytest.fixture
def store() -> Any:
    """The store that machines met at."""
    return TCPStore("127.0.0.1", 0, None, True, timedelta(seconds=10), wait_for_workers=False)


def watching(port: int, file: Path, silence: float) -> None:
    """Be rank 0 of two that does nothing but watch."""
    os.environ |= {"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    os.environ["TORCHELASTIC_ERROR_FILE"] = str(file)
    failure_note.SECONDS_OF_SILENCE = silence
    failure_note.watch()
    time.sleep(60)


def watched(port: int, file: Path, silence: float) -> Any:
    process = multiprocessing.get_context("fork").Process(target=watching, args=(port, file, silence))
    process.start()
    return process


def test_note_of_the_first_failure_stands_and_ends_a_rank_that_waits(store: Any, tmp_path: Path) -> None:
    address = f"127.0.0.1:{store.port}"
    failure_note.leave(address, Failure("TrainingFailed", "step 3: the loss is nan"))
    failure_note.leave(address, Failure("InvalidParams", "came later"))
    process = watched(store.port, tmp_path / "error.json", 45)
    process.join(30)
    assert process.exitcode == 1
    said = json.loads((tmp_path / "error.json").read_text(encoding="utf-8"))
    assert said["katman"] == {"error": "TrainingFailed", "message": "step 3: the loss is nan"}
    assert said["message"]["message"] == "step 3: the loss is nan"


def test_note_is_made_of_a_rank_that_says_nothing_any_more(store: Any, tmp_path: Path) -> None:
    store.add("katman/alive/1", 1)
    process = watched(store.port, tmp_path / "error.json", 2)
    process.join(30)
    assert process.exitcode == 1
    assert "nothing was heard of rank 1 for 2 seconds" in (tmp_path / "error.json").read_text(
        encoding="utf-8"
    )
    assert b"rank 1" in store.get("katman/failure")


def test_note_to_a_store_that_is_gone_is_no_error_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failure_note, "SECONDS_TO_ANSWER", 0.1)
    failure_note.leave("127.0.0.1:9", Failure("TrainingFailed", "nobody hears it"))
