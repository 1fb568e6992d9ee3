"""Digests that others can check, and files that are whole or not there."""

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline.workspace import digests
from pipeline.workspace.files import write_text
from tests.support.workspaces import PROJECT


def test_digests_sha256_is_that_of_hashlib(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(bytes(range(256)) * 9000)
    assert digests.sha256(path) == hashlib.sha256(path.read_bytes()).hexdigest()
    assert digests.md5(path) == hashlib.md5(path.read_bytes()).hexdigest()
    assert digests.digest(path) == digests.sha256(path)


@pytest.mark.parametrize("content", [b"", b"merhaba\n", bytes(range(256)) * 9000])
def test_digests_git_oid_is_that_of_git(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a"
    path.write_bytes(content)
    run = subprocess.run(["git", "hash-object", str(path)], capture_output=True, text=True, check=True)
    assert digests.git_oid(path) == run.stdout.strip()


@pytest.mark.parametrize("value", [[], [["ışık", None]], [["a", "b"], ["c", "d"], [1, {"y": 2, "x": 1}]]])
def test_digests_list_is_digested_value_by_value_as_in_one_piece(value: list[Any]) -> None:
    assert digests.of_list(iter(value)) == digests.of_value(value)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "folder" / "inner").mkdir(parents=True)
    (tmp_path / "folder" / "a.txt").write_text("a")
    (tmp_path / "folder" / "inner" / "b.txt").write_text("b")
    return tmp_path / "folder"


def test_digests_folder_changes_with_a_byte(folder: Path) -> None:
    before = digests.digest(folder)
    (folder / "inner" / "b.txt").write_text("c")
    assert digests.digest(folder) != before


def test_digests_folder_changes_with_a_name(folder: Path) -> None:
    before = digests.digest(folder)
    (folder / "a.txt").rename(folder / "c.txt")
    assert digests.digest(folder) != before
    (folder / "c.txt").rename(folder / "a.txt")
    assert digests.digest(folder) == before


def test_digests_folder_changes_when_two_files_swap_places(folder: Path) -> None:
    before = digests.digest(folder)
    (folder / "a.txt").rename(folder / "x")
    (folder / "inner" / "b.txt").rename(folder / "a.txt")
    (folder / "x").rename(folder / "inner" / "b.txt")
    assert digests.digest(folder) != before


def test_digests_folder_does_not_change_with_python_caches(folder: Path) -> None:
    before = digests.digest(folder)
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "a.pyc").write_bytes(b"1")
    assert digests.digest(folder) == before


def test_digests_of_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        digests.digest(tmp_path / "none")


def test_digests_of_a_value_does_not_depend_on_the_order_of_keys() -> None:
    assert digests.of_value({"a": 1, "ı": [2]}) == digests.of_value({"ı": [2], "a": 1})
    assert digests.of_value({"a": 1}) != digests.of_value({"a": "1"})


def test_write_text_makes_folders_and_keeps_turkish_letters(tmp_path: Path) -> None:
    path = tmp_path / "records" / "a.json"
    write_text(path, "ığüşöç\n")
    assert path.read_bytes() == "ığüşöç\n".encode()
    assert path.stat().st_mode & 0o777 == 0o644


def test_write_text_leaves_the_old_file_where_it_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.json"
    write_text(path, "old")

    def full(_: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        write_text(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_write_text_leaves_the_old_file_or_the_new_one_when_it_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    size = 200_000
    code = (
        "import sys; from pathlib import Path; from pipeline.workspace.files import write_text\n"
        "while True:\n"
        f"    for letter in 'ab': write_text(Path(sys.argv[1]), letter * {size}); print(flush=True)\n"
    )
    for _ in range(5):
        with subprocess.Popen(
            [sys.executable, "-c", code, str(path)], cwd=PROJECT, stdout=subprocess.PIPE
        ) as child:
            assert child.stdout is not None
            for _ in range(3):
                child.stdout.readline()
            child.send_signal(signal.SIGKILL)
        text = path.read_text()
        assert text in ("a" * size, "b" * size)
