"""Files are whole or not there."""

from pathlib import Path

import pytest

from pipeline.workspace import files


def test_file_is_written_with_its_folders(tmp_path: Path) -> None:
    files.write_text(tmp_path / "a" / "b.json", "ğ")
    assert (tmp_path / "a" / "b.json").read_text(encoding="utf-8") == "ğ"
    assert (tmp_path / "a" / "b.json").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_file_that_could_not_be_written_is_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    path = tmp_path / "b.json"
    files.write_text(path, "old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(f"os.{broken}", full)
    with pytest.raises(OSError, match="No space left"):
        files.write_text(path, "new")
    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["b.json"]
