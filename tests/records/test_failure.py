"""What a failed step says is read whole, or not at all."""

from pathlib import Path

import pytest

from pipeline.errors import ExitCode
from pipeline.records import failure

SAID = failure.Failure(
    step="pin", error="HubUnreachable", exit_code=ExitCode.FAILED, message="ğ\nx", passing=True
)


def test_failure_is_read_as_it_was_written(tmp_path: Path) -> None:
    (tmp_path / "f").write_text(SAID.model_dump_json(), encoding="utf-8")
    assert failure.read(tmp_path / "f") == SAID


@pytest.mark.parametrize("content", ["", "{", SAID.model_dump_json()[:-5], "{}", '{"step": 1}'])
def test_step_that_broke_off_said_nothing(tmp_path: Path, content: str) -> None:
    assert failure.read(tmp_path / "none") is None
    (tmp_path / "f").write_text(content)
    assert failure.read(tmp_path / "f") is None
