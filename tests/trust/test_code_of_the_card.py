"""`release` refuses code that is not the commit's which the card states."""

from collections.abc import Callable
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from pipeline.errors import PipelineError, ReleaseRefused
from pipeline.records import Card
from pipeline.workspace import git as code
from pipeline.workspace import lineage, paths
from tests.conftest import Stage
from tests.support import releasing, sealed, workspaces
from tests.support.workspaces import git

MODULE = "pipeline/commands/releases.py"


def test_release_refuses_a_module_that_was_edited_and_not_committed(
    line: Path, writer: Stage, tmp_path: Path
) -> None:
    """One that no step of DVC lists: the others are in its records."""
    path = line / "pipeline" / "commands" / "release.py"
    path.write_text(
        path.read_text(encoding="utf-8").replace("if not verdict.passed:", "if not (passed := True):"),
        encoding="utf-8",
    )
    env = workspaces.environment(writer.endpoint, tmp_path / "home")
    ran = workspaces.pipeline(line, env, "release")
    assert ran.returncode == 1, ran.stdout
    assert "release: pipeline/commands/release.py differ from commit" in ran.stderr
    assert "Commit or revert what was changed" in ran.stderr
    api = HfApi(endpoint=writer.endpoint, token=workspaces.TOKEN)
    assert not api.repo_exists(workspaces.MIXED["release.repo"])


def _edit(folder: Path) -> str:
    with (folder / MODULE).open("a") as file:
        file.write("passed = True\n")
    return MODULE


def _hide(folder: Path) -> str:
    git(folder, "update-index", "--assume-unchanged", MODULE)
    return _edit(folder)


def _stage(folder: Path) -> str:
    _edit(folder)
    git(folder, "add", MODULE)
    return MODULE


def _commit_behind_the_card(folder: Path) -> str:
    _edit(folder)
    git(folder, "commit", "--quiet", "--all", "--message", "Another release")
    return MODULE


def _add(folder: Path) -> str:
    (folder / "flows" / "more.py").touch()
    return "flows/more.py"


def _remove(folder: Path) -> str:
    (folder / MODULE).unlink()
    return MODULE


def _lock(folder: Path) -> str:
    with (folder / "requirements.lock").open("a") as file:
        file.write("# others\n")
    return "requirements.lock"


@pytest.mark.parametrize("change", [_edit, _hide, _stage, _commit_behind_the_card, _add, _remove, _lock])
def test_release_refuses_other_code_than_the_cards(
    ready: Path, api: HfApi, change: Callable[[Path], str]
) -> None:
    path = change(ready)
    said = releasing.refusal(ready, ReleaseRefused)
    assert said.startswith(f"{path} differ from commit ")
    assert not api.repo_exists(releasing.REPO)


def test_release_minds_neither_what_is_ignored_nor_what_is_no_code(ready: Path) -> None:
    (ready / "pipeline" / "__pycache__").mkdir(exist_ok=True)
    (ready / "pipeline" / "__pycache__" / "x.pyc").touch()
    (ready / "notes.txt").touch()
    assert code.code_changes(ready, "HEAD") == []
    assert releasing.run(ready)[0].version == "v1"


def test_release_goes_on_behind_a_commit_of_records(ready: Path) -> None:
    (ready / "notes.txt").touch()
    git(ready, "add", "notes.txt")
    git(ready, "commit", "--quiet", "--message", "Notes")
    assert releasing.run(ready)[0].code_commit != git(ready, "rev-parse", "HEAD").strip()


@pytest.mark.parametrize(
    ("commit", "said"), [(None, "knows no commit of the code"), ("7" * 40, "is not in the repository")]
)
def test_release_refuses_a_card_of_code_that_nobody_has(
    ready: Path, api: HfApi, commit: str | None, said: str
) -> None:
    card = Card.load(ready / paths.RECORDS["card"])
    lineage.seal(ready, lineage.opened(ready, "card"), card.model_copy(update={"code_commit": commit}))
    workspaces.commit(ready)
    assert said in releasing.refusal(ready, PipelineError)
    assert not api.repo_exists(releasing.REPO)
    sealed.seal(ready)
    assert releasing.run(ready)[0].version == "v1"
