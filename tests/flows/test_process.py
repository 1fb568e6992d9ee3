import json
import os
import re
import signal
import time
from contextlib import nullcontext
from pathlib import Path

import pytest

from flows import process
from flows.memory import Use
from pipeline.errors import ExitCode, StepBrokeOff, StepFailed
from tests.flows.server import alive, until
from tests.flows.toy import steps_run


def run(kind: process.StepKind, name: str, workspace: Path) -> list[str]:
    said: list[str] = []
    read, write = os.pipe()  # any open file does for the lock
    try:
        process.run(kind, name, workspace, (read, "token"), said.append)
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
    with pytest.raises(StepBrokeOff, match=f"^broke off with exit code 1, and said last: {last}$") as caught:
        run("step", "release", toy)
    assert caught.value.exit_code == ExitCode.FAILED
    assert not caught.value.passing


@pytest.mark.parametrize("kind", ["step", "stage"])
def test_process_gives_no_bar_for_a_reason(toy: Path, kind: process.StepKind) -> None:
    (toy / "say").write_text("bar pin", "utf-8")
    with pytest.raises(StepBrokeOff) as caught:
        run(kind, "pin", toy)
    assert str(caught.value) == "broke off with exit code 3, and said last: pin says good day"


def test_process_says_a_bar_once_in_a_while_and_never_that_of_a_moment(
    toy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (toy / "say").write_text("bar pin", "utf-8")
    said: list[str] = []
    for seconds in (60.0, 0.0):
        monkeypatch.setattr(process, "_SECONDS_BETWEEN_BARS", seconds)
        read, write = os.pipe()
        with pytest.raises(StepBrokeOff):
            process.run("step", "pin", toy, (read, ""), said.append)
        os.close(read)
        os.close(write)
    assert [line for line in said if "33%" in line] == ["pin:  33%|███   | 1/3 [00:01<00:02,  1.00it/s]"]
    assert not any("shards" in line for line in said)


@pytest.mark.parametrize("kind", ["step", "stage"])
def test_process_says_which_signal_killed_a_step_and_what_memory_was_in_use(
    toy: Path, kind: process.StepKind
) -> None:
    (toy / "say").write_text("die pin", "utf-8")
    with pytest.raises(StepBrokeOff) as caught:
        run(kind, "pin", toy)
    why = "(probably out of memory|by whom nobody knows)"
    said = rf"killed by signal 9, {why}: [\d.]+ of [\d.]+ GiB were in use"
    assert re.fullmatch(said, str(caught.value))


def test_process_names_the_likely_reason_of_a_kill() -> None:
    gib = 1 << 30
    assert process.reason(137, "train: 33%", Use(int(23.1 * gib), 24 * gib)) == (
        "killed by signal 9, probably out of memory: 23.1 of 24.0 GiB were in use"
    )
    assert process.reason(-9, "", Use(2 * gib, 24 * gib)) == (
        "killed by signal 9, by whom nobody knows: 2.0 of 24.0 GiB were in use"
    )
    assert process.reason(139, "loads", Use(2 * gib, 24 * gib)) == (
        "killed by signal 11 (SIGSEGV), and said last: loads"
    )


def test_process_ends_a_step_that_shall_stop(toy: Path) -> None:
    (toy / "say").write_text("hang train", "utf-8")
    read, write = os.pipe()
    with pytest.raises(process.StepStopped):
        process.run("step", "train", toy, (read, ""), print, (toy / "pids").exists)
    os.close(read)
    os.close(write)
    until(lambda: not any(alive(int(pid)) for pid in (toy / "pids").read_text("utf-8").split()), 5)


def test_process_lets_a_step_clean_up_whatever_the_number_of_sigterms(
    toy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checkpoint takes a while, and so does DVC: a second SIGTERM in that time left an empty rwlock.

    DVC runs a command by `$SHELL`, which for a service's user lets nobody in. Debian's `sh` stays above its
    command: it ended at the signal, and the trainer was killed in its checkpoint.
    """
    monkeypatch.setenv("SHELL", "/usr/sbin/nologin")
    (toy / "say").write_text("tidy train", "utf-8")
    for stage in ("pin", "audit"):
        run("stage", stage, toy)
    read, write = os.pipe()
    step = process._start("stage", "train", toy, (read, ""), toy / "failure.json")
    with step, step.stdout or nullcontext():
        until((toy / "pids").exists)
        for _ in range(20):
            step.terminate()
            time.sleep(0.02)
        assert step.wait(30) == 128 + signal.SIGTERM
    assert (toy / "saved").exists()
    os.close(read)
    os.close(write)
    assert json.loads((toy / ".dvc" / "tmp" / "rwlock").read_text("utf-8")) == {}


def test_process_runs_one_stage_without_those_before_it(toy: Path) -> None:
    run("stage", "pin", toy)
    run("stage", "audit", toy)
    assert steps_run(toy) == ["pin", "audit"]


def test_process_says_what_dvc_says_where_no_command_was_run(toy: Path) -> None:
    with pytest.raises(StepFailed, match=r"^DVC: .*records/pin\.json"):
        run("stage", "audit", toy)
    assert steps_run(toy) == []
