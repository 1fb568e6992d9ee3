"""What `check` says of the machine."""

import shutil
import tempfile
from collections import namedtuple
from pathlib import Path

import pytest

from pipeline.errors import InvalidParams, InvalidWorkspace
from pipeline.params import load
from pipeline.preflight import machine
from pipeline.preflight.resources import Sizes
from tests.support.workspaces import PROJECT

PARAMS = load(PROJECT)
Usage = namedtuple("Usage", "total used free")


def free(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(size, 0, size))


def test_room_is_said_by_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free(monkeypatch, 10**15)
    said = machine.room(tmp_path, PARAMS, Sizes(dataset=10**9, weights=2 * 10**9))
    assert said.startswith("about ")
    assert all(step in said for step in ("pin", "train"))


def test_room_that_is_not_there_is_refused_with_a_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free(monkeypatch, 10**6)
    with pytest.raises(InvalidWorkspace, match=r"are free at .*set hardware.save_minutes to null"):
        machine.room(tmp_path, PARAMS, Sizes(dataset=10**9, weights=2 * 10**9))


def test_room_of_a_pin_that_has_run_is_not_counted_again(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free(monkeypatch, 10**15)
    params, sizes = load(finished), Sizes(dataset=10**9, weights=2 * 10**9)
    assert "pin" not in machine.room(finished, params, sizes)
    moved = params.model_copy(update={"base": params.base.model_copy(update={"revision": "9" * 40})})
    assert "pin" in machine.room(finished, moved, sizes)


def test_temporary_folder_is_named_with_what_is_free(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    free(monkeypatch, 3 * 10**9)
    assert machine.temporary() == f"{tmp_path}, 3.0 GB free"


def test_temporary_folder_that_is_none_is_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> str:
        raise FileNotFoundError(2, "No usable temporary directory found in ['/tmp']")

    monkeypatch.setattr(tempfile, "gettempdir", none)
    with pytest.raises(InvalidWorkspace, match="set TMPDIR to a folder that may be written"):
        machine.temporary()


def test_libraries_that_train_are_named_or_refused() -> None:
    assert machine.versions(PARAMS.train).startswith("torch ")
    other = PARAMS.train.versions.model_copy(update={"torch": "1.0.0"})
    with pytest.raises(InvalidParams, match=r"1\.0\.0"):
        machine.versions(PARAMS.train.model_copy(update={"versions": other}))
