"""Why a person is needed, and whether an approval counts."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import BrokenChain, WaitsForPerson
from pipeline.params import Params
from pipeline.records import Verdict
from pipeline.workspace import approvals, paths
from pipeline.workspace.files import write_text
from tests.support import records, sealed
from tests.support.deciding import CANDIDATE, PARAMS, WAITS, asks, waits_in


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return waits_in(tmp_path)


def given(folder: Path, verdict: Verdict = WAITS, params: Params = PARAMS) -> None:
    approvals.save(folder, CANDIDATE, approvals.draft(folder, params, verdict, "Ada", "yes"))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, []),
        ({"needs_human": True}, ["every stored one must be made anew"]),
        ({"training_unknown": True}, ["nobody knows what a model that it was compared with was trained on"]),
        (
            {"loosened": {"alpha": "alpha was 0.01."}},
            ["looser than it was for the last release: alpha was 0.01"],
        ),
        ({"needs_human": True, "training_unknown": True}, ["made anew", "nobody knows"]),
    ],
)
def test_reasons_are_those_of_the_verdict(folder: Path, changes: dict[str, Any], why: list[str]) -> None:
    found = approvals.reasons(folder, PARAMS, sealed.verdict(CANDIDATE, **changes))
    assert len(found) == len(why)
    assert all(part in reason for part, reason in zip(why, found, strict=True))


def test_candidate_that_was_taken_back_needs_a_person(folder: Path) -> None:
    repo = PARAMS.release.repo
    records.put(
        folder,
        records.receipt("v1", repo=repo, candidate=CANDIDATE),
        records.receipt("v2", repo=repo, kind="rollback", restores="v0", candidate="b" * 64),
    )
    (why,) = approvals.reasons(folder, PARAMS, sealed.verdict(CANDIDATE))
    assert "it was released before, and v2 took it back" in why


def test_candidate_that_needs_nobody_needs_no_approval(folder: Path) -> None:
    assert approvals.demand(folder, PARAMS, sealed.verdict(CANDIDATE)) is None


def test_candidate_waits_until_an_approval_counts(folder: Path) -> None:
    with pytest.raises(WaitsForPerson, match=r"cccccccccccc passed the gate and waits for a person: its vec"):
        approvals.demand(folder, PARAMS, WAITS)
    given(folder)
    approval = approvals.demand(folder, PARAMS, WAITS)
    assert approval is not None
    assert (approval.name, approval.reason, approval.candidate) == ("Ada", "yes", CANDIDATE)


def test_approval_counts_for_that_candidate_those_values_and_those_reasons(folder: Path) -> None:
    given(folder)
    approval = approvals.find(folder, CANDIDATE)
    assert approval is not None
    assert approvals.fault(folder, PARAMS, WAITS, approval) is None
    for verdict, params, said in (
        (sealed.verdict("d" * 64, needs_human=True), PARAMS, "it is bound to cccccccccccc"),
        (
            WAITS,
            PARAMS.model_copy(update={"gate": PARAMS.gate.model_copy(update={"alpha": 0.2})}),
            "gate values",
        ),
        (sealed.verdict(CANDIDATE, training_unknown=True), PARAMS, "wanted what is waited for now"),
    ):
        assert said in (approvals.fault(folder, params, verdict, approval) or "")
    loose = PARAMS.model_copy(update={"gate": PARAMS.gate.model_copy(update={"alpha": 0.2})})
    with pytest.raises(WaitsForPerson, match=r"does not count: it is for gate values"):
        approvals.demand(folder, loose, WAITS)


def test_approval_that_claims_a_signature_where_nobody_can_sign_does_not_count(folder: Path) -> None:
    approval = approvals.draft(folder, PARAMS, WAITS, "Ada", "yes").model_copy(update={"signature": "x"})
    assert "approve.signers names nobody" in (approvals.fault(folder, PARAMS, WAITS, approval) or "")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"name": 1}'])
def test_approval_that_cannot_be_read_is_refused(folder: Path, content: str) -> None:
    assert approvals.find(folder, CANDIDATE) is None
    path = folder / paths.approval(CANDIDATE)
    path.parent.mkdir()
    path.write_text(content)
    with pytest.raises(BrokenChain, match="git checkout approvals"):
        approvals.find(folder, CANDIDATE)


def test_policy_says_what_waits(folder: Path) -> None:
    plain = sealed.verdict(CANDIDATE)
    assert approvals.reasons(folder, asks(policy="auto"), WAITS) == []
    assert len(approvals.reasons(folder, asks(policy="human-if"), WAITS)) == 1
    (why,) = approvals.reasons(folder, asks(policy="human"), plain)
    assert why == "approve.policy is 'human', so that nothing goes out that nobody looked at"
    assert len(approvals.reasons(folder, asks(policy="human"), WAITS)) == 2


def test_check_that_passed_narrowly_waits(folder: Path) -> None:
    checks = {"floor_32": {"value": 0.5004, "rule": ">=", "wanted": 0.5, "passed": True}}
    close = sealed.verdict(CANDIDATE, checks=checks)
    (why,) = approvals.reasons(folder, asks(narrow=0.001), close)
    assert why == "the check floor_32 passed by 0.0004, and approve.narrow is 0.001"
    assert approvals.reasons(folder, asks(narrow=0.0003), close) == []
    assert approvals.reasons(folder, asks(narrow=0.001, policy="auto"), close) == []


def test_policy_that_was_loosened_since_the_last_release_waits(folder: Path) -> None:
    repo = PARAMS.release.repo
    records.put(folder, records.receipt("v1", repo=repo, candidate="b" * 64, policy="human"))
    (why,) = approvals.reasons(folder, asks(policy="auto"), sealed.verdict(CANDIDATE))
    assert why == "approve.policy is 'auto', and was 'human' for v1"
    old = records.receipt("v1", repo=repo, candidate="b" * 64)  # of before there was a policy
    records.put(folder, old)
    assert approvals.reasons(folder, asks(policy="human-if"), sealed.verdict(CANDIDATE)) == []
    assert approvals.reasons(folder, asks(policy="auto"), sealed.verdict(CANDIDATE)) != []


def test_rejection_that_cannot_be_read_is_none(folder: Path) -> None:
    write_text(folder / paths.rejection(CANDIDATE), "{}")
    with pytest.raises(BrokenChain, match="is no rejection"):
        approvals.rejection(folder, CANDIDATE)
