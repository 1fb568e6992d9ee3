import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline.errors import ExitCode, WorkspaceHeld
from pipeline.workspace import locks
from tests.conftest import Make
from tests.support import workspaces
from tests.support.workspaces import PROJECT

HOLDER = """
import sys, time
from pathlib import Path
from pipeline.workspace import locks
with locks.hold(Path(sys.argv[1]), sys.argv[2], sys.argv[3]):
    print("held", flush=True)
    time.sleep(300)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / ".dvc").mkdir()
    return tmp_path


@contextmanager
def held(folder: Path, verb: str, kind: locks.Kind = "work") -> Iterator[subprocess.Popen[str]]:
    """Another process holds a lock."""
    command = [sys.executable, "-c", HOLDER, str(folder), verb, kind]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


def test_lock_names_its_holder_to_whoever_comes_second(folder: Path) -> None:
    with held(folder, "train") as process:
        with pytest.raises(WorkspaceHeld) as caught, locks.hold(folder, "release"):
            pass
        holder = locks.holder(folder)
    assert str(caught.value).startswith(f"`train` (process {process.pid} on ")
    assert f" works on {folder}; wanted one writer at a time. " in str(caught.value)
    assert holder is not None
    assert (holder.verb, holder.pid) == ("train", process.pid)


def test_lock_is_free_as_soon_as_its_holder_is_killed(folder: Path) -> None:
    with held(folder, "train") as process:
        process.kill()
        process.wait()
        assert locks.holder(folder) is None
        with locks.hold(folder, "release") as mine:
            assert mine is not None


def test_lock_is_waited_for_with_the_holders_name(folder: Path) -> None:
    said: list[str] = []
    saying = locks.saying(said.append)
    with held(folder, "train") as process:

        def waiting(holder: locks.Holder, seconds: float) -> None:
            saying(holder, seconds)
            process.kill()

        with locks.hold(folder, "retrain", waiting=waiting):
            assert (
                os.getpid() == locks.Holder(**json.loads((folder / ".dvc/tmp/retrain.lock").read_text())).pid
            )
    (line,) = said
    assert line.startswith(f"waits for `train` (process {process.pid} on ")


def test_lock_says_whom_it_waits_for_once_a_minute() -> None:
    said: list[str] = []
    saying = locks.saying(said.append)
    holder = locks.Holder(7, "host", "train", "then", "")
    for seconds in range(0, 200, 5):
        saying(holder, seconds)
    assert [line.rpartition(", ")[2] for line in said] == [
        *("0 minutes so far", "1 minutes so far", "2 minutes so far", "3 minutes so far")
    ]


def test_lock_of_main_is_free_while_a_training_works(folder: Path) -> None:
    with held(folder, "train"), locks.hold(folder, "rollback", "main") as mine:
        assert mine is not None


def test_lock_lets_in_who_works_for_its_holder_and_no_other(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with locks.hold(folder, "retrain") as mine:
        assert mine is not None
        monkeypatch.setenv(locks.TOKEN, mine[1])
        with locks.hold(folder, "train") as same:
            assert same is None
        monkeypatch.setenv(locks.TOKEN, "of a run that is gone")
        with pytest.raises(WorkspaceHeld), locks.hold(folder, "train"):
            pass


def test_lock_of_0_1_is_seen(folder: Path) -> None:
    with locks.hold(folder, "retrain"):
        (folder / ".dvc" / "tmp" / "retrain.lock").write_text("4711", "ascii")
        with (
            pytest.raises(WorkspaceHeld, match=r"^`retrain` \(process 4711 on "),
            locks.hold(folder, "train"),
        ):
            pass


def test_folder_that_is_not_dvcs_has_nothing_to_lock(tmp_path: Path) -> None:
    with locks.hold(tmp_path, "init") as mine:
        assert mine is None
    assert list(tmp_path.iterdir()) == []


def test_typed_step_refuses_while_a_run_works_and_main_does_not_wait(make_workspace: Make) -> None:
    work = make_workspace()
    with held(work, "retrain") as process:
        done = workspaces.pipeline(work, make_workspace.stage.env, "refresh")
        assert done.returncode == ExitCode.FAILED
        assert done.stderr.startswith(f"refresh: `retrain` (process {process.pid} on ")
        released = workspaces.pipeline(work, make_workspace.stage.env, "release")
        assert released.stderr.startswith(f"release: `retrain` (process {process.pid} on ")
        repro = subprocess.run(
            [sys.executable, "-m", "dvc", "repro", "pin"],
            cwd=work,
            env=make_workspace.stage.env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert repro.returncode != 0
        assert f"pin: `retrain` (process {process.pid} on " in repro.stderr
        assert not (work / "data").exists()
        deployed = workspaces.pipeline(work, make_workspace.stage.env, "deployed", "v1")
        assert "has the releases none; wanted 'v1'" in deployed.stderr  # its own refusal, at once
