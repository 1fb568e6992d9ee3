"""The code is what a commit holds, to the byte, whatever git's index was told."""

from pathlib import Path

import pytest

from pipeline.errors import InvalidWorkspace
from pipeline.workspace import git
from tests.support import workspaces

CODE = "pipeline/errors.py"


@pytest.fixture(params=[".", "search/model"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A workspace that is a repository, or a folder of a larger one."""
    workspaces.repository(tmp_path, dvc=False)
    folder: Path = tmp_path / request.param
    for path in (CODE, "records/pin.json", "README.md"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("one\n", encoding="utf-8")
    assert git.head(folder) is None
    workspaces.git(folder, "add", ".")
    workspaces.git(folder, "commit", "--quiet", "--message", "Start")
    return folder


def test_git_lists_changed_code_and_none_of_what_steps_write(folder: Path) -> None:
    for path in (CODE, "records/pin.json"):
        (folder / path).write_text("two\n", encoding="utf-8")
    assert git.changes(folder) == [CODE]


def test_git_compares_the_bytes_and_not_the_index(folder: Path) -> None:
    head = git.head(folder)
    assert head is not None
    assert git.code_changes(folder, head) == []
    workspaces.git(folder, "update-index", "--assume-unchanged", CODE)
    (folder / CODE).write_text("two\n", encoding="utf-8")
    (folder / "pipeline" / "new.py").touch()
    assert git.changes(folder) == []
    assert git.code_changes(folder, head) == [CODE, "pipeline/new.py"]
    (folder / CODE).unlink()
    assert CODE in git.code_changes(folder, head)
    with pytest.raises(InvalidWorkspace, match=r"^commit 000000000000 is not in the repository"):
        git.code_changes(folder, "0" * 40)


def test_git_commits_what_steps_wrote_and_nothing_else(folder: Path) -> None:
    (folder / "records" / "pin.json").write_text("two\n", encoding="utf-8")
    (folder / "README.md").write_text("two\n", encoding="utf-8")
    made = git.commit(folder, "Run")
    assert made == git.head(folder)
    assert git.content(folder, "records/pin.json") == b"two\n"
    assert git.content(folder, "README.md") == b"one\n"
    assert git.commit(folder, "Run") is None
    assert git.states(folder, "records/pin.json") == [b"one\n", b"two\n"]
    assert git.holds(folder, "README.md")
    assert not git.holds(folder, "none")
    assert git.content(folder, "none") is None


def test_git_says_in_its_own_words_why_it_refuses(tmp_path: Path) -> None:
    with pytest.raises(InvalidWorkspace, match="not a git repository"):
        git.head(tmp_path)
