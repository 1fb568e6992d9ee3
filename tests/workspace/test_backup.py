"""Log and releases go where `release.backup` says and nowhere else; a clone without one gets it."""

import subprocess
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from pipeline.commands import check, looks, release
from pipeline.errors import InvalidWorkspace
from pipeline.params import load
from pipeline.records.log import Held, Released
from pipeline.workspace import backup, log, paths
from tests.conftest import Make, Stage
from tests.support import releasing, workspaces
from tests.support.records import receipt
from tests.support.workspaces import git, run_dvc, set_params


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    made = tmp_path / "backup.git"
    subprocess.run(["git", "init", "--quiet", "--bare", str(made)], check=True)
    return made


def backed_up(folder: Path, remote: Path, dvc: Path) -> Path:
    run_dvc(folder, "remote", "add", "kept", str(dvc))
    set_params(folder, {"release.backup": {"git": str(remote), "branch": "records", "dvc": "kept"}})
    git(folder, "commit", "--quiet", "--all", "--message", "Back up")
    return folder


def refs(remote: Path) -> dict[str, str]:
    said = git(remote, "for-each-ref", "--format=%(refname) %(objectname)")
    return dict(line.split() for line in said.splitlines())


def clone(folder: Path, tmp_path: Path) -> Path:
    made = tmp_path / "clone"
    git(folder, "clone", "--quiet", str(folder), str(made))
    git(made, "config", "user.name", "Test")
    git(made, "config", "user.email", "test@example.org")
    return made


def test_backup_gets_the_log_and_the_release_and_nothing_else(
    line: Path, api: HfApi, remote: Path, tmp_path: Path
) -> None:
    dvc = tmp_path / "dvc"
    backed_up(line, remote, dvc)
    git(line, "branch", "mine")
    assert backup.keep_log(line, load(line)) == []
    assert list(refs(remote)) == [log.REF]
    assert list(dvc.glob("*")) == []


def test_backup_of_a_release_is_repeated_until_it_stands(
    ready: Path, api: HfApi, remote: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    backed_up(ready, tmp_path / "away.git", tmp_path / "dvc")
    caplog.clear()
    made, _ = releasing.run(ready)
    said = [one.getMessage() for one in caplog.records if one.name == release.__name__]
    assert [one.partition(":")[0] for one in said] == ["warning"] * len(said)
    assert {
        "log was not fetched",
        "log was not pushed",
        "release v1 was not pushed to the branch records",
        "tag model/v1 was not pushed",
    } == {one.split(":")[1].removeprefix(" the ") for one in said}
    head = git(ready, "rev-parse", "HEAD").strip()
    git(ready, "commit", "--quiet", "--allow-empty", "--message", "not released yet")
    (tmp_path / "away.git").symlink_to(remote)
    assert backup.keep_release(ready, load(ready)) == []
    assert len([path for path in (tmp_path / "dvc").rglob("*") if path.is_file()]) > 1
    assert "katman/unpushed" not in git(ready, "for-each-ref")
    assert backup.keep_log(ready, load(ready)) == []
    assert set(refs(remote)) == {log.REF, "refs/heads/records", "refs/tags/model/v1"}
    assert refs(remote)["refs/heads/records"] == refs(remote)["refs/tags/model/v1"] == head
    told = log.entries(ready, refs(remote)[log.REF]).values()
    assert [one.what.commit for one in told if isinstance(one.what, Released)] == [made.commit]


def test_backup_brings_every_release_that_it_lacks(ready: Path, api: HfApi, tmp_path: Path) -> None:
    remote = tmp_path / "late.git"
    backed_up(ready, remote, tmp_path / "dvc")
    first, _ = releasing.run(ready)
    releasing.second(ready)
    second, _ = releasing.run(ready)
    subprocess.run(["git", "init", "--quiet", "--bare", str(remote)], check=True)
    assert backup.keep_release(ready, load(ready)) == []
    there = refs(remote)
    assert {"refs/tags/model/v1", "refs/tags/model/v2"} <= set(there)
    kept = {
        one: {paths.receipt(first.commit), paths.receipt(second.commit)}
        & set(git(remote, "ls-tree", "-r", "--name-only", f"model/{one}").split())
        for one in ("v1", "v2")
    }
    assert kept == {
        "v1": {paths.receipt(first.commit)},
        "v2": {paths.receipt(first.commit), paths.receipt(second.commit)},
    }


def test_tag_that_stands_elsewhere_is_left_and_said(ready: Path, api: HfApi) -> None:
    git(ready, "tag", "model/v1")
    made, _ = releasing.run(ready)
    (said,) = backup.tag_release(ready, made)
    assert said.startswith("warning: refs/tags/model/v1 stands at ")
    rollback = receipt("v2", kind="rollback", restores="v1", commit=made.commit)
    assert backup.tag_release(ready, rollback) == []


def test_backup_of_null_pushes_nothing_and_check_says_where_the_log_stands(
    make_workspace: Make, writer: Stage
) -> None:
    folder = make_workspace({"release.repo": "tester/never-released"})
    found = check.run(folder, load(folder))
    assert found["backup"].startswith("warning: the log stands on this machine alone")
    assert (backup.fetch_log(folder, load(folder)), backup.keep_log(folder, load(folder))) == ([], [])
    backup.owe_release(folder, load(folder), receipt("v1"))
    assert backup.keep_release(folder, load(folder)) == []
    assert "katman/unpushed" not in git(folder, "for-each-ref")


def test_check_brings_two_clones_of_a_log_together(
    make_workspace: Make, writer: Stage, remote: Path, tmp_path: Path
) -> None:
    folder = backed_up(make_workspace({"release.repo": "tester/never-released"}), remote, tmp_path / "dvc")
    other = clone(folder, tmp_path)
    for one, line in ((folder, "a"), (other, "b")):
        log.append(one, Held(lines=(line,)))
    for one in (folder, other, folder):
        assert check.run(one, load(one))["backup"] == f"the log is at {remote}"
    assert log.entries(folder) == log.entries(other)
    assert len(log.entries(folder)) == 2


def test_clone_without_the_log_fetches_it_before_it_counts_on_it(
    line: Path, remote: Path, tmp_path: Path
) -> None:
    backed_up(line, remote, tmp_path / "dvc")
    backup.keep_log(line, load(line))
    other = clone(line, tmp_path)
    assert log.head(other) is None
    backup.demand_log(other, load(other))
    assert log.entries(other) == log.entries(line)


def test_clone_without_the_log_stops_where_the_backup_does_not_answer(line: Path, tmp_path: Path) -> None:
    backed_up(line, tmp_path / "away.git", tmp_path / "dvc")
    other = clone(line, tmp_path)
    with pytest.raises(InvalidWorkspace, match=r"cannot be asked for it: .*Run it again when it"):
        backup.demand_log(other, load(other))


@pytest.mark.parametrize("has_remote", [True, False])
def test_clone_without_a_log_that_is_nowhere_stops_until_it_is_declared_lost(
    line: Path, remote: Path, tmp_path: Path, has_remote: bool
) -> None:
    if has_remote:
        backed_up(line, remote, tmp_path / "dvc")
    other = clone(line, tmp_path)
    (other / paths.RECORDS["gate"]).unlink()  # as DVC does before the gate
    with pytest.raises(InvalidWorkspace, match="candidates were judged before") as caught:
        backup.demand_log(other, load(other))
    assert "katman looks --fetch REMOTE" in str(caught.value)
    looks.run(other, load(other), lost=True)
    backup.demand_log(other, load(other))


def test_step_asks_for_the_log_before_it_starts(line: Path, tmp_path: Path, stage: Stage) -> None:
    other = clone(line, tmp_path)
    ran = workspaces.pipeline(other, workspaces.environment(stage.endpoint, tmp_path / "home"), "gate")
    assert ran.returncode == 1
    assert "there is no log here" in ran.stderr


def test_new_workspace_starts_its_own_log(make_workspace: Make, remote: Path, tmp_path: Path) -> None:
    folder = backed_up(make_workspace({"release.repo": "tester/never-released"}), remote, tmp_path / "dvc")
    backup.demand_log(folder, load(folder))
    assert log.head(folder) is None
