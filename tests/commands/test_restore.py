"""A machine is lost: a fresh clone gets everything back and goes on, or says what does not fit."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from pipeline.commands import release, restore
from pipeline.errors import BrokenChain, InvalidParams, InvalidWorkspace
from pipeline.params import load
from pipeline.workspace import digests, lineage, log, paths
from tests.conftest import Stage
from tests.support import workspaces
from tests.support.workspaces import git, run_dvc, set_params


@pytest.fixture
def lost(line: Path, api: HfApi, tmp_path: Path) -> Iterator[Path]:
    """The backup of a machine that released v1 and is gone."""
    remote = tmp_path / "backup.git"
    subprocess.run(["git", "init", "--quiet", "--bare", str(remote)], check=True)
    run_dvc(line, "remote", "add", "--quiet", "kept", str(tmp_path / "kept"))
    set_params(line, {"release.backup": {"git": str(remote), "branch": "records", "dvc": "kept"}})
    git(line, "commit", "--quiet", "--all", "--message", "Back up")
    run_dvc(line, "commit", "--force", "--quiet")
    git(line, "commit", "--quiet", "--all", "--allow-empty", "--message", "Run")
    release.run(line, load(line))
    yield remote
    shutil.rmtree(tmp_path / "clone", ignore_errors=True)


def clone(remote: Path, tmp_path: Path) -> Path:
    made = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", "--branch", "records", str(remote), str(made)], check=True)
    workspaces.git(made, "config", "user.name", "Test")
    workspaces.git(made, "config", "user.email", "test@example.org")
    return made


def test_restored_clone_has_everything_and_nothing_to_do(lost: Path, line: Path, tmp_path: Path) -> None:
    folder = clone(lost, tmp_path)
    assert log.head(folder) is None
    found = restore.run(folder, load(folder))
    assert (found.version, found.looks, found.moved) == ("v1", 1, ())
    assert digests.digest(folder / paths.MODEL) == digests.digest(line / paths.MODEL)
    assert log.entries(folder) == log.entries(line)
    assert lineage.broken_links(folder) == lineage.unlocked(folder) == []
    assert release.run(folder, load(folder))[1]  # already released
    assert restore.summary(found).endswith("`dvc repro` has nothing to do")
    assert restore.run(folder, load(folder)) == found  # safe to repeat
    git(folder, "checkout", "--quiet", "model/v1")
    shutil.rmtree(folder / paths.MODEL)
    run_dvc(folder, "pull", "--quiet", "--remote", "kept")
    assert digests.digest(folder / paths.MODEL) == digests.digest(line / paths.MODEL)


def test_bytes_that_are_not_those_of_the_records_are_refused(lost: Path, tmp_path: Path) -> None:
    for path in (tmp_path / "kept").rglob("*"):
        if path.is_file() and path.stat().st_size > 10_000 and b"dtype" in path.read_bytes()[:4096]:
            path.chmod(0o644)
            path.write_bytes(path.read_bytes()[:-1] + b"!")
    folder = clone(lost, tmp_path)
    with pytest.raises(BrokenChain, match=r"(?s)not what was made here:.*model differs; records/train"):
        restore.run(folder, load(folder))


def test_backup_without_a_log_is_refused(lost: Path, tmp_path: Path) -> None:
    git(lost, "update-ref", "-d", log.REF)
    folder = clone(lost, tmp_path)
    with pytest.raises(InvalidWorkspace, match=r"has no refs/katman/log; wanted the one"):
        restore.run(folder, load(folder))


def test_workspace_without_a_backup_has_nothing_to_restore_from(ready: Path, writer: Stage) -> None:
    with pytest.raises(InvalidParams, match=r"release.backup is null; wanted the git and the DVC remote"):
        restore.run(ready, load(ready))


def test_what_was_changed_since_is_named_and_no_fault(lost: Path, tmp_path: Path) -> None:
    folder = clone(lost, tmp_path)
    set_params(folder, {"gate.max_looks": 7})
    found = restore.run(folder, load(folder))
    assert "params.yaml was changed after `gate` ran with it" in found.moved
    assert "runs again what was changed since" in restore.summary(found)
