import os
from pathlib import Path

import pytest

from flows import process
from pipeline.errors import ExitCode, StepFailed
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
        with pytest.raises(StepFailed) as caught:
            run(kind, "pin", toy)
        assert str(caught.value) == (
            "rows is 3, wanted 4 or more;\n  raise it in params.yaml\npin: there are 2 more"
        )
        assert caught.value.exit_code == ExitCode.FAILED
        assert not caught.value.passing


def test_process_gives_the_exit_code_of_a_step_that_waits(toy: Path) -> None:
    (toy / "say").write_text("wait release", "utf-8")
    with pytest.raises(StepFailed, match=r"^candidate 0 is a person's to let out$") as caught:
        run("step", "release", toy)
    assert caught.value.exit_code == ExitCode.WAITS_FOR_PERSON


def test_process_gives_the_last_line_of_a_step_that_broke_off(toy: Path) -> None:
    (toy / "say").write_text("crash release", "utf-8")
    last = "KeyError: 'passed the gate and waits for a person'"
    with pytest.raises(StepFailed, match=f"^ended with exit code 1, and said last: {last}$") as caught:
        run("step", "release", toy)
    assert caught.value.exit_code == ExitCode.FAILED
    assert caught.value.passing


def test_process_says_so_where_a_step_was_killed_without_a_word(toy: Path) -> None:
    (toy / "pipeline" / "__main__.py").write_text("import os\nos.kill(os.getpid(), 9)\n", "utf-8")
    with pytest.raises(StepFailed, match=r"^ended with exit code 137, and said last: nothing$"):
        run("step", "check", toy)


def test_process_runs_one_stage_without_those_before_it(toy: Path) -> None:
    run("stage", "pin", toy)
    run("stage", "audit", toy)
    assert steps_run(toy) == ["pin", "audit"]


def test_process_says_what_dvc_says_where_no_command_was_run(toy: Path) -> None:
    with pytest.raises(StepFailed, match=r"^DVC: .*records/pin\.json"):
        run("stage", "audit", toy)
    assert steps_run(toy) == []
