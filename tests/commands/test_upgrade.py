"""An older params.yaml gets the keys of now, and nothing else changes in it."""

from pathlib import Path

import pytest

from pipeline.commands import upgrade
from pipeline.errors import InvalidParams
from pipeline.params import load
from pipeline.params.key_changes import Added, Removed
from tests.support import workspaces
from tests.support.workspaces import PROJECT, git

# As if a later version had brought the one key and taken the other.
BACKOFF = Added("hub.backoff_seconds", "0.9.0", 1.0, "before the first of them")
CHECKPOINTS = Removed("train.checkpoints", "0.9.0")
RELEASED = Removed("release.dry_run", "0.9.0")


def write(folder: Path, text: str) -> None:
    (folder / "params.yaml").write_text(text, encoding="utf-8")


def read(folder: Path) -> str:
    return (folder / "params.yaml").read_text(encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The project's params.yaml before `hub.backoff_seconds` came."""
    (tmp_path / "dvc.yaml").write_bytes((PROJECT / "dvc.yaml").read_bytes())
    lines = read(PROJECT).splitlines(keepends=True)
    write(tmp_path, "".join(line for line in lines if not line.startswith("  backoff_seconds")))
    return tmp_path


def changed(done: upgrade.Upgraded) -> list[str]:
    return [line for line in done.diff.splitlines()[2:] if line[0] in "+-"]


def test_upgrade_completes_what_could_not_be_loaded(folder: Path) -> None:
    with pytest.raises(InvalidParams, match=r"hub.backoff_seconds: missing") as caught:
        load(folder)
    assert "run `katman upgrade`" in str(caught.value)
    done = upgrade.upgrade(folder, (BACKOFF,))
    assert load(folder) == load(PROJECT)
    assert changed(done) == ["+  backoff_seconds: 1.0               # since 0.9.0: before the first of them"]
    assert done.concerned == ()
    assert done.diff in upgrade.summary(done)
    assert "git commit params.yaml" in upgrade.summary(done)


def test_upgrade_again_has_nothing_to_do(folder: Path) -> None:
    upgrade.upgrade(folder, (BACKOFF,))
    before = read(folder)
    done = upgrade.upgrade(folder, (BACKOFF, CHECKPOINTS))
    assert done == upgrade.Upgraded("", ())
    assert "nothing to do" in upgrade.summary(done)
    assert read(folder) == before


def test_upgrade_names_the_stages_that_run_again_for_it(folder: Path) -> None:
    write(folder, read(PROJECT).replace("  eval_steps", "  checkpoints: 3  # are kept\n  eval_steps"))
    done = upgrade.upgrade(folder, (CHECKPOINTS,))
    assert read(folder) == read(PROJECT)
    assert changed(done) == ["-  checkpoints: 3  # are kept"]
    assert done.concerned == ("train",)
    assert "the model is trained again" in upgrade.summary(done)


def test_upgrade_of_what_no_stage_reads_runs_nothing_again(folder: Path) -> None:
    write(folder, read(PROJECT).replace("  private: false", "  dry_run: true\n  private: false"))
    assert upgrade.upgrade(folder, (RELEASED,)).concerned == ()
    assert read(folder) == read(PROJECT)


def test_upgrade_leaves_alone_what_is_wrong_for_another_reason(folder: Path) -> None:
    write(folder, read(folder).replace("  seed: 42\n", ""))
    before = read(folder)
    with pytest.raises(InvalidParams, match=r"train.seed: missing") as caught:
        upgrade.upgrade(folder, (BACKOFF,))
    assert "hub.backoff_seconds" not in str(caught.value)
    assert "no version of katman" in str(caught.value)
    assert read(folder) == before


def test_upgrade_from_the_command_line_says_that_there_is_nothing_to_do(tmp_path: Path) -> None:
    folder = workspaces.make(tmp_path / "work", {}, dvc=False)
    env = workspaces.environment("http://127.0.0.1:1", tmp_path / "home")
    ran = workspaces.pipeline(folder, env, "upgrade")
    assert ran.returncode == 0, ran.stderr
    assert "nothing to do" in ran.stdout
    assert git(folder, "status", "--porcelain") == ""
