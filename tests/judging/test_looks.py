"""Which look at the test rows a candidate is."""

from pathlib import Path

import pytest

from pipeline.errors import BrokenChain
from pipeline.judging import looks
from pipeline.records import Looks
from pipeline.workspace import paths


def test_look_is_counted_once_per_candidate_and_test_rows() -> None:
    seen = Looks()
    for candidate in "abab":
        seen = looks.add(seen, "rows", candidate)
    assert seen.candidates == {"rows": ("a", "b")}
    assert [looks.look_of(seen, "rows", candidate) for candidate in "abc"] == [1, 2, 3]
    assert looks.look_of(seen, "other rows", "c") == 1


def test_looks_are_read_as_they_were_written(tmp_path: Path) -> None:
    assert looks.load(tmp_path) == Looks()
    seen = looks.add(Looks(), "rows", "a")
    looks.write(tmp_path, seen)
    assert looks.load(tmp_path) == seen


def test_looks_that_cannot_be_read_are_not_taken_for_none(tmp_path: Path) -> None:
    (tmp_path / paths.LOOKS).parent.mkdir()
    (tmp_path / paths.LOOKS).write_text("[]", encoding="utf-8")
    with pytest.raises(BrokenChain, match=r"git checkout records/looks\.json"):
        looks.load(tmp_path)
