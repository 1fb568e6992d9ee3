import os
from pathlib import Path

import pytest

from flows import process
from tests.flows.toy import steps_run


def run(kind: process.StepKind, name: str, workspace: Path) -> list[str]:
    said: list[str] = []
    read, write = os.pipe()  # any open file does for the lock
    try:
        process.run(kind, name, workspace, read, said.append)
    finally:
        os.close(read)
        os.close(write)
    return said


def test_process_passes_on_every_line_a_step_prints(toy: Path) -> None:
    assert run("step", "check", toy) == ["check says good day"]


def test_process_gives_the_message_of_a_step_that_fails(toy: Path) -> None:
    (toy / "say").write_text("fail pin", "utf-8")
    for kind in ("step", "stage"):
        with pytest.raises(
            process.StepFailed, match=r"^rows is 3, wanted 4 or more;\n  raise it in params\.yaml$"
        ):
            run(kind, "pin", toy)


def test_process_runs_one_stage_without_those_before_it(toy: Path) -> None:
    run("stage", "pin", toy)
    run("stage", "audit", toy)
    assert steps_run(toy) == ["pin", "audit"]


def test_process_says_what_dvc_says_where_no_command_was_run(toy: Path) -> None:
    with pytest.raises(process.StepFailed, match=r"^DVC: .*records/pin\.json"):
        run("stage", "audit", toy)
    assert steps_run(toy) == []
