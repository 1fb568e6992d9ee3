"""Where each limit lies, to the one (`tests/hostile/test_limits.py` has files that go far beyond)."""

from pathlib import Path

import polars as pl
import pytest

from pipeline.errors import InvalidData
from pipeline.stages.pin import file_limits
from tests.support.splits import LIMITS


@pytest.mark.parametrize(("key", "found"), [("rows", 4), ("cells", 8), ("depth", 2)])
def test_table_as_large_as_it_may_be_is_taken(tmp_path: Path, key: str, found: int) -> None:
    path = tmp_path / "a.parquet"
    pl.DataFrame({"a": ["x"] * 4, "b": [["y"]] * 4}).write_parquet(path)
    file_limits.refuse([path], LIMITS.model_copy(update={key: found}))
    with pytest.raises(
        InvalidData, match=rf"a\.parquet has {found} .*no more than {found - 1} \(pin\.limits\.{key}"
    ):
        file_limits.refuse([path], LIMITS.model_copy(update={key: found - 1}))


def test_brackets_count_outside_of_texts_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a": "[[[\\"[[[", "b": [["]"]]}\n' * 3)
    file_limits.refuse([path], LIMITS.model_copy(update={"depth": 3}))
    with pytest.raises(InvalidData, match=r"3 values inside each other"):
        file_limits.refuse([path], LIMITS.model_copy(update={"depth": 2}))


def test_bytes_are_counted_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"{}\n" * 10)
    file_limits.refuse([path], LIMITS.model_copy(update={"unpacked_bytes": 30}))
    with pytest.raises(InvalidData, match=r"pin\.limits\.unpacked_bytes"):
        file_limits.refuse([path], LIMITS.model_copy(update={"unpacked_bytes": 29}))


def test_process_takes_what_params_say() -> None:
    found = file_limits.process(LIMITS.model_copy(update={"memory_bytes": 7}))
    assert (found.seconds, found.memory_bytes, found.file_bytes) == (LIMITS.seconds, 7, LIMITS.unpacked_bytes)
    assert found.said() == f"7 {LIMITS.unpacked_bytes}"
    assert int(file_limits.process(LIMITS).said().split()[0]) > 0
