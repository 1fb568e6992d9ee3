"""What a run puts up for a person, until somebody decides or the time is over."""

from pathlib import Path

import pytest

from pipeline.errors import ReleaseRefused
from pipeline.params.approve import Signer
from pipeline.publishing import waiting
from pipeline.workspace import approvals, paths
from pipeline.workspace.files import write_text
from tests.support import records, sealed
from tests.support.deciding import CANDIDATE, PARAMS, WAITS, asks, waits_in
from tests.support.workspaces import git


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return waits_in(tmp_path)


def test_waiting_goes_on_until_somebody_decides(folder: Path) -> None:
    assert waiting.put_up(folder, PARAMS) is None
    first = waiting.begin(folder, PARAMS, WAITS)
    assert (first.candidate, first.version) == (CANDIDATE, "v1")
    assert waiting.begin(folder, PARAMS, WAITS) == first  # since when stays
    assert waiting.put_up(folder, PARAMS) == (first, False)
    approvals.save(folder, CANDIDATE, approvals.draft(folder, PARAMS, WAITS, "Ada", "yes"))
    assert waiting.put_up(folder, PARAMS) == (first, True)
    records.put(folder, records.receipt("v1", repo=PARAMS.release.repo, candidate=CANDIDATE))
    assert waiting.put_up(folder, PARAMS) is None


def test_waiting_ends_with_a_rejection_which_an_approval_takes_back(folder: Path) -> None:
    first = waiting.begin(folder, PARAMS, WAITS)
    approvals.save(folder, CANDIDATE, approvals.draft(folder, PARAMS, WAITS, "Ada", "yes"))
    approvals.reject(folder, CANDIDATE, "Bob", "no")
    assert waiting.put_up(folder, PARAMS) is None
    with pytest.raises(ReleaseRefused, match=r"was rejected by Bob .*: no; wanted one that nobody rejected"):
        approvals.demand(folder, PARAMS, WAITS)
    assert git(folder, "ls-files", "approvals").split() == [f"approvals/{CANDIDATE}.rejected.json"]
    approvals.save(folder, CANDIDATE, approvals.draft(folder, PARAMS, WAITS, "Ada", "after all"))
    assert waiting.put_up(folder, PARAMS) == (first, True)


def test_waiting_ends_where_another_candidate_took_its_place(folder: Path) -> None:
    waiting.begin(folder, PARAMS, WAITS)
    write_text(folder / paths.RECORDS["gate"], sealed.verdict("d" * 64, needs_human=True).dump())
    assert waiting.put_up(folder, PARAMS) is None


def test_waiting_for_too_long_is_a_rejection(folder: Path) -> None:
    first = waiting.begin(folder, PARAMS, WAITS)
    assert waiting.expire(folder, asks(wait_days=None), first) is None
    assert waiting.expire(folder, asks(wait_days=1.0), first) is None
    no = waiting.expire(folder, asks(wait_days=0.0), first)
    assert no is not None
    assert no.reason.startswith("nobody decided in 0 days (approve.wait_days), since ")
    assert approvals.rejection(folder, CANDIDATE) == no


def test_waiting_has_a_text_ready_for_each_signer(folder: Path) -> None:
    keys = ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJp0", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJp1")
    params = asks(signers=tuple(Signer(name="Ada", key=key) for key in keys))
    waiting.begin(folder, params, WAITS)
    ((path, draft),) = waiting.drafts(folder, CANDIDATE)
    assert (draft.name, draft.reason, draft.candidate) == ("Ada", waiting.AS_SHOWN, CANDIDATE)
    assert path.read_text("utf-8") == draft.statement()
