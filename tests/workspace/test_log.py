import shutil
import subprocess
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from pipeline.errors import BrokenChain, InvalidWorkspace
from pipeline.records.log import Deployed, Entry, Held
from pipeline.workspace import log
from tests.support.workspaces import git


@pytest.fixture(params=[".", "search/model"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A workspace that is a repository, or a folder of a larger one."""
    top = tmp_path / "work"
    made: Path = top / request.param
    made.mkdir(parents=True)
    git(top, "init", "--quiet", "--initial-branch=main")
    git(made, "config", "user.name", "Test")
    git(made, "config", "user.email", "test@example.org")
    (made / "file").write_text("1")
    git(made, "add", ".")
    git(made, "commit", "--quiet", "--message", "Start")
    return made


def held(line: str) -> Held:
    return Held(lines=(line,))


def lines(folder: Path) -> set[str]:
    return {line for entry in log.entries(folder).values() for line in _lines(entry)}


def _lines(entry: Entry) -> tuple[str, ...]:
    return entry.what.lines if isinstance(entry.what, Held) else ()


def _append(folder: Path, line: str) -> str:
    return log.append(folder, held(line)).name


def test_log_is_empty_before_its_first_entry(folder: Path) -> None:
    assert log.head(folder) is None
    assert log.entries(folder) == {}
    assert not log.holds(folder, "0" * 40)


def test_log_gives_back_what_was_appended_and_what_stood_before_it(folder: Path) -> None:
    first = log.append(folder, held("a"))
    before = log.head(folder)
    second = log.append(folder, Deployed(repo="o/n", commit="c" * 40, version="v1"))
    assert log.entries(folder) == {first.name: first, second.name: second}
    assert first.after is None
    assert second.after == before
    assert before is not None
    assert log.entries(folder, before) == {first.name: first}
    assert log.holds(folder, before)


def test_log_survives_what_git_does_to_the_work_tree(folder: Path) -> None:
    _append(folder, "a")
    git(folder, "checkout", "--quiet", "-b", "other")
    (folder / "file").write_text("2")
    git(folder, "stash")
    git(folder, "checkout", "--quiet", "--orphan", "third")
    git(folder, "reset", "--quiet", "--hard", "main")
    git(folder, "reflog", "expire", "--expire=now", "--all")
    git(folder, "gc", "--quiet", "--prune=now")
    assert lines(folder) == {"a"}


def test_log_is_one_for_every_worktree(folder: Path, tmp_path: Path) -> None:
    _append(folder, "a")
    git(folder, "worktree", "add", "--quiet", str(tmp_path / "beside"), "-b", "beside")
    _append(tmp_path / "beside", "b")
    assert lines(folder) == {"a", "b"}


def test_log_of_a_dvc_experiment_is_that_of_its_workspace(folder: Path) -> None:
    inner = folder / ".dvc" / "tmp" / "exps" / "tmp1"
    inner.mkdir(parents=True)
    git(inner, "init", "--quiet")
    _append(inner, "a")
    assert lines(folder) == {"a"}


def test_log_loses_nothing_where_several_append_at_once(folder: Path) -> None:
    wanted = {str(number) for number in range(12)}
    with ProcessPoolExecutor(3) as pool:
        list(pool.map(_append, [folder] * len(wanted), sorted(wanted)))
    assert lines(folder) == wanted


def test_log_of_two_clones_becomes_one_by_union(folder: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare.git"
    git(tmp_path, "init", "--quiet", "--bare", str(bare))
    git(folder, "remote", "add", "backup", str(bare))
    other = tmp_path / "other"
    git(tmp_path, "clone", "--quiet", git(folder, "rev-parse", "--show-toplevel").strip(), str(other))
    git(other, "remote", "add", "backup", str(bare))
    assert not log.fetch(other, "backup")
    _append(folder, "common")
    log.push(folder, "backup")
    assert log.fetch(other, "backup")
    _append(folder, "ours")
    _append(other, "theirs")
    log.push(folder, "backup")
    log.push(other, "backup")
    assert lines(other) == {"common", "ours", "theirs"}
    assert log.fetch(folder, "backup")
    assert log.head(folder) == log.head(other)
    assert lines(folder) == {"common", "ours", "theirs"}


def test_log_pushes_nothing_but_itself(folder: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare.git"
    git(tmp_path, "init", "--quiet", "--bare", str(bare))
    _append(folder, "a")
    log.push(folder, str(bare))
    assert git(bare, "for-each-ref", "--format=%(refname)").split() == [log.REF]


def test_log_says_so_where_its_remote_cannot_be_reached(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidWorkspace, match="ls-remote"):
        log.fetch(folder, str(tmp_path / "nowhere.git"))


def test_log_refuses_an_entry_that_was_edited(folder: Path) -> None:
    name = _append(folder, "a")
    blob = git(folder, "rev-parse", f"{log.REF}:{name}.json").strip()
    content = git(folder, "cat-file", "blob", blob).replace('"a"', '"b"')
    edited = subprocess.run(
        ["git", "hash-object", "-w", "--stdin"],
        cwd=folder,
        input=content,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    tree = subprocess.run(
        ["git", "mktree"],
        cwd=folder,
        input=f"100644 blob {edited}\t{name}.json\n",
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    git(folder, "update-ref", log.REF, git(folder, "commit-tree", tree, "-m", "x").strip())
    with pytest.raises(BrokenChain, match="edited"):
        log.entries(folder)


def test_log_names_the_commit_that_is_not_here(folder: Path) -> None:
    _append(folder, "a")
    with pytest.raises(BrokenChain, match="dddddddddddd"):
        log.entries(folder, "d" * 40)


def test_log_needs_git(tmp_path: Path) -> None:
    with pytest.raises(InvalidWorkspace, match="git"):
        log.head(tmp_path)


def test_log_says_so_where_git_cannot_write(folder: Path) -> None:
    _append(folder, "a")
    refs = Path(git(folder, "rev-parse", "--absolute-git-dir").strip(), "refs", "katman")
    shutil.rmtree(refs)
    refs.write_text("in the way")
    with pytest.raises(InvalidWorkspace):
        _append(folder, "b")
