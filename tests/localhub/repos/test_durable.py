from __future__ import annotations

import os
from pathlib import Path

import pytest

from localhub.repos.durable import replace_file


def test_durable_file_is_replaced_whole_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "kept.json"
    replace_file(path, b"old and longer")
    replace_file(path, b"new")
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_durable_file_is_the_old_one_until_the_new_one_is_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "kept.json"
    replace_file(path, b"old")
    synced: list[bytes] = []

    def power_fails(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").read_bytes())
        raise OSError(5, "the power failed")

    monkeypatch.setattr(os, "fsync", power_fails)
    with pytest.raises(OSError, match="the power failed"):
        replace_file(path, b"new")
    assert synced == [b"new"]  # whole before it takes the name
    assert path.read_bytes() == b"old"
    monkeypatch.undo()
    replace_file(path, b"next")  # what was left half done is in nobody's way
    assert path.read_bytes() == b"next"
    assert list(tmp_path.iterdir()) == [path]
