"""A workspace with two releases by katman 0.1 goes on with the code of now (see README.md)."""

import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from localhub.process import User, serve
from pipeline.judging import spending
from pipeline.params import load
from pipeline.records import Verdict
from pipeline.workspace import approvals, digests, holdout, lineage, log, paths, receipts
from sample.workspace import files
from tests.support import workspaces
from tests.support.workspaces import PROJECT, git

REPO = "tester/mixed-tuned"
ARCHIVE = Path(__file__).with_name("workspace-0.1.tar.xz")


@dataclass(frozen=True)
class Upgraded:
    """A workspace of 0.1 under the code of now.

    Attributes:
        ran: The stages that `dvc repro` ran after the merge.
        same_weights: Training gave the released weights again, as it does on processors of one kind.
        before: sha256 of the files that 0.1 left, by path.
        said: What `upgrade` said.
    """

    folder: Path
    env: dict[str, str]
    ran: tuple[str, ...]
    same_weights: bool
    before: dict[str, str]
    said: str

    def pipeline(self, *arguments: str) -> str:
        ran = workspaces.pipeline(self.folder, self.env, *arguments)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout


def merge(folder: Path) -> None:
    """Put the code of now over a workspace, as `git merge` does: params.yaml stays the user's."""
    git(folder, "-c", "init.defaultBranch=main", "init", "--quiet")
    for key, value in (("name", "Test"), ("email", "test@example.org")):
        git(folder, "config", f"user.{key}", value)
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "As katman 0.1 left it")
    for name in files(PROJECT):
        if name != "params.yaml" and not name.startswith("tests/"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(PROJECT / name, folder / name)
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "Merge katman")


def dvc(folder: Path, env: dict[str, str], command: str) -> str:
    ran = subprocess.run(["dvc", command], cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def upgraded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upgraded]:
    root = tmp_path_factory.mktemp("upgraded")
    with tarfile.open(ARCHIVE) as tar:
        tar.extractall(root, filter="data")
    folder = root / "work"
    before = digests.files(folder)
    merge(folder)
    with serve(root / "hub", [User("tester", "write", workspaces.TOKEN)], log=root / "hub.log") as hub:
        env = workspaces.environment(hub.endpoint, root / "home")
        dvc(folder, env, "checkout")
        upgrade = workspaces.pipeline(folder, env, "upgrade")
        assert upgrade.returncode == 0, upgrade.stderr
        said = dvc(folder, env, "repro")
        ran = tuple(part.split("'")[0] for part in said.split("Running stage '")[1:])
        git(folder, "add", ".")
        git(folder, "commit", "--quiet", "--message", "Run")
        same = digests.digest(folder / paths.MODEL) == receipts.for_repo(folder, REPO)[-1].candidate
        yield Upgraded(folder, env, ran, same, before, upgrade.stdout)


def test_upgrade_trains_once(upgraded: Upgraded) -> None:
    assert upgraded.ran.count("train") == 1
    assert "the model is trained again" in upgraded.said
    assert "up to date" in dvc(upgraded.folder, upgraded.env, "repro")


def test_upgrade_leaves_a_whole_chain(upgraded: Upgraded) -> None:
    assert lineage.broken_links(upgraded.folder) == []
    assert lineage.unlocked(upgraded.folder) == []


def test_upgrade_judges_the_candidate_as_before_and_counts_no_look(upgraded: Upgraded) -> None:
    verdict = Verdict.load(upgraded.folder / paths.RECORDS["gate"])
    newest = receipts.for_repo(upgraded.folder, REPO)[-1]
    assert newest.verdict is not None
    assert "live" in verdict.compared_with
    if not upgraded.same_weights:
        return
    assert (verdict.candidate, verdict.outcome) == (newest.candidate, newest.verdict.outcome)
    assert verdict.look == newest.verdict.look == 2
    traits = pl.read_parquet(upgraded.folder / paths.TRAITS).filter(pl.col("split") == "test")
    found = spending.count(log.entries(upgraded.folder), "f" * 64, frozenset(traits["group"]))
    assert found.number == 3


def test_upgrade_holds_out_the_same_queries(upgraded: Upgraded) -> None:
    assert digests.sha256(upgraded.folder / paths.LEDGER) == upgraded.before[paths.LEDGER]
    assert holdout.read(upgraded.folder).height == 70


def test_upgrade_reads_the_approvals_of_before(upgraded: Upgraded) -> None:
    approval = approvals.find(upgraded.folder, receipts.for_repo(upgraded.folder, REPO)[-1].candidate)
    assert approval is not None
    assert approval.name == "Ada"


def test_upgrade_moves_nothing_where_nothing_moved(upgraded: Upgraded) -> None:
    newest = receipts.for_repo(upgraded.folder, REPO)[-1]
    assert receipts.recipe(load(upgraded.folder)) != newest.recipe  # train.save_steps was a part of it
    if upgraded.same_weights:
        assert upgraded.pipeline("release").startswith(f"already released: {REPO} v2 at {newest.commit}")
    assert git(upgraded.folder, "status", "--porcelain") == ""


def test_upgrade_compares_the_next_candidate_with_the_release_of_before(
    upgraded: Upgraded, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(upgraded.folder, tmp_path / "work", symlinks=True))
    ran = workspaces.pipeline(folder, upgraded.env, "refresh")
    assert ran.returncode == 0, ran.stderr
    newest = receipts.for_repo(folder, REPO)[-1]
    assert ran.stdout.split() == ["live.revision", newest.commit]


def test_upgrade_lists_the_releases_of_before(upgraded: Upgraded) -> None:
    first, second = receipts.for_repo(upgraded.folder, REPO)
    rows = upgraded.pipeline("releases").splitlines()[1:]
    assert [row.split()[0] for row in rows] == [first.version, second.version] == ["v1", "v2"]
    assert "approved by Ada" in rows[1]
    assert rows[1].endswith("main, deployed")


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_upgrade_verifies_the_releases_of_before(upgraded: Upgraded, version: str) -> None:
    assert f"release {version} of " in upgraded.pipeline("verify", f"{REPO}@{version}")


def test_upgrade_rolls_back_to_a_release_of_before(upgraded: Upgraded, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(upgraded.folder, tmp_path / "work", symlinks=True))
    ran = workspaces.pipeline(folder, upgraded.env, "rollback", "--to", "v1")
    assert ran.returncode == 0, ran.stderr
    first, _, third = receipts.for_repo(folder, REPO)
    assert (third.version, third.restores) == ("v3", "v1")
    # The statement is written anew: it names the version that these files bear now.
    differ = {path for path in first.files if third.files.get(path) != first.files[path]}
    assert differ == {"provenance.json"}
    assert third.files.keys() == first.files.keys()
