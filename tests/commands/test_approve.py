"""A person's yes: to what the gate let pass, once, with a name and a reason."""

from pathlib import Path

import pytest

from pipeline.commands import approve
from pipeline.errors import BrokenChain, ReleaseRefused
from pipeline.params import load
from pipeline.records import Verdict
from pipeline.workspace import approvals, paths
from tests.support import sealed, workspaces
from tests.support.workspaces import PROJECT, git

CANDIDATE = "c" * 64


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A git repository with a verdict: all that `approve` looks at."""
    (tmp_path / "params.yaml").write_bytes((PROJECT / "params.yaml").read_bytes())
    workspaces.repository(tmp_path, dvc=False)
    write(tmp_path, sealed.verdict(CANDIDATE, needs_human=True))
    return tmp_path


def write(folder: Path, verdict: Verdict) -> None:
    path = folder / paths.RECORDS["gate"]
    path.parent.mkdir(exist_ok=True)
    path.write_text(verdict.dump(), encoding="utf-8")


def test_approve_writes_and_commits_who_and_why(folder: Path) -> None:
    candidate, approval, *_ = approve.run(folder, load(folder), "Ada", "nightly rebuild")
    assert candidate == CANDIDATE
    assert approvals.find(folder, CANDIDATE) == approval
    assert git(folder, "log", "--format=%B").startswith(
        f"Approve candidate {CANDIDATE[:12]}\n\nAda: nightly rebuild"
    )
    assert f"approvals/{CANDIDATE}.json" in git(folder, "ls-files")


def test_approve_again_keeps_the_first(folder: Path) -> None:
    first = approve.run(folder, load(folder), "Ada", "yes")
    head = git(folder, "rev-parse", "HEAD")
    assert approve.run(folder, load(folder), "Bob", "yes too") == first
    assert git(folder, "rev-parse", "HEAD") == head


@pytest.mark.parametrize(("name", "reason"), [("", "why"), ("Ada", " "), ("\n", "why")])
def test_approve_wants_a_name_and_a_reason(folder: Path, name: str, reason: str) -> None:
    with pytest.raises(ReleaseRefused, match="wanted a few words, because they stand in the receipt"):
        approve.run(folder, load(folder), name, reason)
    assert not (folder / "approvals").exists()


def test_approve_cannot_make_a_no_a_yes(folder: Path) -> None:
    write(folder, sealed.verdict(CANDIDATE, passed=False, outcome="underpowered"))
    with pytest.raises(
        ReleaseRefused, match=r"refused candidate cccccccccccc \(underpowered\); wanted one that"
    ):
        approve.run(folder, load(folder), "Ada", "please")
    assert not (folder / "approvals").exists()


def test_approve_needs_a_verdict(folder: Path) -> None:
    (folder / paths.RECORDS["gate"]).unlink()
    with pytest.raises(BrokenChain, match=r"verdict.json is missing"):
        approve.run(folder, load(folder), "Ada", "please")
