"""What DVC keeps goes to a remote and comes back, and what nothing names is forgotten."""

import shutil
from pathlib import Path

import pytest

from pipeline.errors import InvalidWorkspace
from pipeline.workspace import dvc
from tests.support import workspaces
from tests.support.workspaces import git, run_dvc


def version(folder: Path, text: str) -> None:
    (folder / "model").mkdir(exist_ok=True)
    (folder / "model" / "weights").write_text(text)
    run_dvc(folder, "add", "model")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", text)


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with three versions of a model, the first with a tag; nobody changes it."""
    made = tmp_path_factory.mktemp("dvc") / "work"
    made.mkdir()
    workspaces.repository(made)
    run_dvc(made, "remote", "add", "kept", "../kept")
    version(made, "one")
    git(made, "tag", "model/v1")
    version(made, "two")
    version(made, "three")
    return made


@pytest.fixture
def folder(versions: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(versions, tmp_path / "work", symlinks=True))


def cached(folder: Path) -> set[str]:
    found = (folder / ".dvc" / "cache").rglob("*")
    return {path.read_text() for path in found if path.is_file() and not path.name.endswith(".dir")}


def test_what_nothing_names_is_shown_and_then_forgotten(folder: Path) -> None:
    unused = dvc.unused(folder)
    assert {path.read_text() for path in unused if not path.name.endswith(".dir")} == {"two"}
    assert cached(folder) == {"one", "two", "three"}
    dvc.forget(folder)
    assert cached(folder) == {"one", "three"}
    assert dvc.unused(folder) == []


def test_what_was_pushed_comes_back_with_what_a_tag_names(folder: Path) -> None:
    dvc.push(folder, "kept")
    dvc.push(folder, "kept")  # a second time it has nothing to do
    shutil.rmtree(folder / ".dvc" / "cache")
    shutil.rmtree(folder / "model")
    dvc.pull(folder, "kept")
    assert (folder / "model" / "weights").read_text() == "three"
    dvc.push(folder, "kept")  # what lies on the remote alone stays there
    git(folder, "checkout", "--quiet", "model/v1")
    dvc.pull(folder, "kept")
    assert (folder / "model" / "weights").read_text() == "one"


def test_remote_that_lacks_something_is_one_message(folder: Path) -> None:
    dvc.push(folder, "kept")
    shutil.rmtree(folder / ".dvc" / "cache")
    git(folder, "checkout", "--quiet", "HEAD~1")  # the version that no tag names
    with pytest.raises(InvalidWorkspace, match=r"^`dvc pull --remote kept` said: "):
        dvc.pull(folder, "kept")


def test_remote_that_cannot_be_written_is_one_message(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("a file, and no folder")
    with pytest.raises(InvalidWorkspace, match=r"^pushing to the DVC remote kept failed: "):
        dvc.push(folder, "kept")
    with pytest.raises(InvalidWorkspace, match=r"remote other failed: "):
        dvc.push(folder, "other")


def test_push_that_left_something_out_is_noticed(folder: Path) -> None:
    for path in (folder / ".dvc" / "cache").rglob("*"):
        if path.is_file() and not path.name.endswith(".dir") and path.read_text() == "three":
            path.unlink()
    shutil.rmtree(folder / "model")
    with pytest.raises(InvalidWorkspace, match=r"left out 2 files of model; wanted all of them there"):
        dvc.push(folder, "kept")


def test_file_that_was_corrupted_on_the_remote_is_never_taken_where_dvc_verifies(
    folder: Path, tmp_path: Path
) -> None:
    run_dvc(folder, "remote", "modify", "kept", "verify", "true")
    dvc.push(folder, "kept")
    shutil.rmtree(folder / ".dvc" / "cache")
    shutil.rmtree(folder / "model")
    for path in (tmp_path / "kept").rglob("*"):
        if path.is_file() and path.read_text() == "three":
            path.chmod(0o644)
            path.write_text("evil!")
    with pytest.raises(InvalidWorkspace, match=r"^`dvc pull --remote kept` said: "):
        dvc.pull(folder, "kept")
    assert "evil!" not in cached(folder)
    assert not (folder / "model" / "weights").exists()
