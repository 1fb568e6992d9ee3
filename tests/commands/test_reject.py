"""A person's no: to what is not out, with a name and a reason."""

from pathlib import Path

import pytest

from pipeline.commands import reject
from pipeline.errors import ReleaseRefused
from pipeline.workspace import approvals
from tests.support import records
from tests.support.deciding import CANDIDATE, PARAMS, waits_in
from tests.support.workspaces import git


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return waits_in(tmp_path)


def test_reject_keeps_who_and_why_in_git(folder: Path) -> None:
    no = reject.run(folder, PARAMS, " Ada ", "the new rows are tests of ours")
    assert approvals.rejection(folder, CANDIDATE) == no
    assert git(folder, "log", "-1", "--format=%B").strip().endswith("Ada: the new rows are tests of ours")
    assert reject.summary(no).endswith(
        "rejected by Ada: the new rows are tests of ours. Everything is in place"
    )


@pytest.mark.parametrize(("name", "reason"), [("", "why"), ("Ada", " ")])
def test_reject_wants_a_name_and_a_reason(folder: Path, name: str, reason: str) -> None:
    with pytest.raises(ReleaseRefused, match="wanted a few words"):
        reject.run(folder, PARAMS, name, reason)


def test_reject_refuses_what_is_out(folder: Path) -> None:
    records.put(folder, records.receipt("v1", repo=PARAMS.release.repo, candidate=CANDIDATE))
    with pytest.raises(ReleaseRefused, match="is released as v1; wanted one that is not out"):
        reject.run(folder, PARAMS, "Ada", "no")
