"""Pin under DVC itself: the ledger is an out that DVC neither removes nor ignores."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.records import Pin
from pipeline.workspace import paths
from tests.conftest import Stage
from tests.support import workspaces
from tests.support.splits import three
from tests.support.workspaces import git, set_params, triplets

REPO = "tester/pin-dvc"


@dataclass(frozen=True)
class Room:
    """A workspace in which `dvc repro pin` ran on the first revision, and the second revision."""

    folder: Path
    env: dict[str, str]
    second: str

    def dvc(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["dvc", *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=self.env, capture_output=True, text=True, check=False
        )

    def repro(self) -> bool:
        """Run `dvc repro pin`, and say whether it ran the stage."""
        ran = self.dvc("repro", "pin")
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return "Running stage 'pin'" in ran.stdout

    def ledger(self) -> str:
        return (self.folder / paths.LEDGER).read_text(encoding="utf-8")

    def commit(self) -> None:
        git(self.folder, "add", ".")
        git(self.folder, "commit", "--quiet", "--message", "Pin")


@pytest.fixture(scope="module")
def pinned(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Room:
    root = tmp_path_factory.mktemp("pinned")
    workspaces.write_splits(root / "set", three())
    first = workspaces.put(stage.endpoint, REPO, "dataset", root / "set")
    grown = {key: [*texts, triplets(1, 21)[key][0]] for key, texts in triplets(6).items()}
    workspaces.write_splits(root / "set", three(train=grown, test=triplets(5, 22)))
    second = workspaces.put(stage.endpoint, REPO, "dataset", root / "set")
    pins = {"dataset.repo": REPO, "dataset.revision": first, "base.revision": stage.base}
    folder = workspaces.make(root / "work", pins)
    room = Room(folder, workspaces.environment(stage.endpoint, root / "home"), second)
    assert room.repro()
    room.commit()
    return room


@pytest.fixture
def room(pinned: Room, tmp_path: Path) -> Room:
    folder = Path(shutil.copytree(pinned.folder, tmp_path / "room", symlinks=True))
    return Room(folder, pinned.env, pinned.second)


def test_pin_under_dvc_runs_once(room: Room) -> None:
    before = room.ledger()
    assert before.count("\n") == 7
    assert not room.repro()
    assert room.ledger() == before
    assert git(room.folder, "status", "--porcelain") == ""
    assert paths.LEDGER in git(room.folder, "ls-files")
    assert not (room.folder / ".dvc" / "cache" / "runs").exists()


def test_pin_under_dvc_that_runs_again_finds_its_ledger(room: Room) -> None:
    before = room.ledger()
    record = (room.folder / paths.RECORDS["pin"]).read_bytes()
    ran = room.dvc("repro", "--force", "pin")
    assert "Running stage 'pin'" in ran.stdout
    assert room.ledger() == before
    assert (room.folder / paths.RECORDS["pin"]).read_bytes() == record
    assert git(room.folder, "status", "--porcelain") == ""


def test_pin_under_dvc_holds_out_in_the_next_revision_what_it_held_out_before(room: Room) -> None:
    before = room.ledger()
    set_params(room.folder, {"dataset.revision": room.second})
    assert room.repro()
    assert room.ledger().startswith(before)
    assert room.ledger().count(room.second) == 3
    record = Pin.load(room.folder / paths.RECORDS["pin"])
    assert (record.splits["train"].moved_out, record.splits["test"].moved_in) == (1, 1)
    assert not room.repro()


def test_pin_under_dvc_that_fails_leaves_the_ledger_as_it_was(room: Room) -> None:
    before = room.ledger()
    set_params(room.folder, {"dataset.revision": room.second, "base.revision": "0" * 40})
    ran = room.dvc("repro", "pin")
    assert ran.returncode != 0
    assert "pin: could not " in ran.stderr
    assert room.ledger() == before
    git(room.folder, "checkout", "--", ".")
    assert room.dvc("checkout", "pin").returncode == 0
    assert not room.repro()


def test_pin_under_dvc_runs_again_on_an_older_ledger(room: Room) -> None:
    first = room.ledger()
    set_params(room.folder, {"dataset.revision": room.second})
    assert room.repro()
    room.commit()
    second = room.ledger()
    git(room.folder, "checkout", "HEAD~1", "--", paths.LEDGER)
    assert room.ledger() == first
    assert "splits.ledger" in room.dvc("status", "pin").stdout
    assert room.repro()
    assert room.ledger() == second
    assert git(room.folder, "status", "--porcelain", "--", "records", "dvc.lock").strip() == ""


def test_pin_under_dvc_refuses_a_damaged_ledger_and_keeps_it(room: Room) -> None:
    damaged = room.ledger() + "<<<<<<< HEAD\n"
    (room.folder / paths.LEDGER).write_text(damaged, encoding="utf-8")
    ran = room.dvc("repro", "pin")
    assert ran.returncode != 0
    assert "pin: line 8 of" in ran.stderr
    assert room.ledger() == damaged
