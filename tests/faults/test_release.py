"""A release through every fault: one case of each class here, all of them with `make faults`."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import HfApi

from localhub.process import User
from tests.faults import cases, matrix, truth
from tests.faults.cases import FAULTS, Case, Outcome
from tests.faults.lanes import REPO, Lane, Template
from tests.faults.plans import Plan
from tests.support import workspaces

MATRIX_SECONDS = 3 * 3600
# The first of these tests waits for the template, which a busy machine makes slowly.
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def requests(lane: Lane) -> list[dict[str, Any]]:
    return cases.record(lane)


def check(outcome: Outcome) -> None:
    assert outcome.met, outcome
    assert outcome.survived, f"{outcome.case.name}: {outcome}"


def last(requests: list[dict[str, Any]], pattern: str) -> tuple[str, int]:
    found = [line for line in requests if re.search(pattern, line["request"])]
    return found[-1]["request"], found[-1]["occurrence"]


@pytest.mark.parametrize("fault", FAULTS)
def test_release_survives_each_fault_at_its_commit(
    lane: Lane, requests: list[dict[str, Any]], fault: str
) -> None:
    check(cases.attempt(lane, Case(fault, *last(requests, "^POST .*/commit/"))))


@pytest.mark.parametrize("fault", ["answer lost", "release killed after", "server killed after", "503"])
def test_release_survives_the_worst_at_what_makes_it_live(
    lane: Lane, requests: list[dict[str, Any]], fault: str
) -> None:
    request = last(requests, "^POST .*/(merge|commit/main)")
    check(cases.attempt(lane, Case(fault, *request)))


@pytest.mark.parametrize("fault", ["answer lost", "release killed after", "503 from here on"])
def test_release_of_a_first_version_survives_faults_at_its_creation(lane: Lane, fault: str) -> None:
    check(cases.attempt(lane, Case(fault, "POST /api/repos/create", 1, first=True)))


def test_release_goes_through_the_proxy_whole(requests: list[dict[str, Any]]) -> None:
    seen = [line["request"] for line in requests]
    for pattern in ("^PUT .*/lfs-upload/", "^POST .*/commit/", "^GET .*/large-file/", "^POST .*/tag/"):
        assert any(re.search(pattern, request) for request in seen), f"{pattern} is not in {seen}"


def test_release_with_a_tag_that_points_elsewhere_changes_nothing(lane: Lane) -> None:
    lane.reset()
    lane.api().create_tag(REPO, tag=cases.VERSION, revision="v1")
    start, wanted = truth.look(lane), truth.intended(lane.folder)
    ran = lane.run("release")
    assert ran.code == 1
    assert cases.VERSION in ran.said
    assert truth.look(lane) == start
    lane.api().delete_tag(REPO, tag=cases.VERSION)
    start = truth.look(lane)
    again = lane.run("release")
    assert truth.after_retry(start, truth.look(lane), wanted, again) == []


def test_release_on_a_strangers_commit_changes_nothing(lane: Lane) -> None:
    lane.reset()
    lane.api().upload_file(path_or_fileobj=b"theirs", path_in_repo="theirs.txt", repo_id=REPO)
    start = truth.look(lane)
    ran = lane.run("release")
    assert ran.code == 1
    assert start.head[:7] in ran.said
    assert truth.look(lane) == start


def test_release_with_a_read_token_changes_nothing(lane: Lane) -> None:
    lane.reset()
    start, wanted = truth.look(lane), truth.intended(lane.folder)
    ran = lane.run("release", token=workspaces.READ_TOKEN)
    assert ran.code == 1
    assert "may only read" in ran.said
    assert workspaces.READ_TOKEN not in ran.said
    assert truth.look(lane) == start
    again = lane.run("release")
    assert truth.after_retry(start, truth.look(lane), wanted, again) == []


def test_release_with_a_token_that_is_revoked_midway_can_be_repeated(
    lane: Lane, requests: list[dict[str, Any]]
) -> None:
    """The server itself is started again with another token, while the release waits for an answer."""
    request, occurrence = last(requests, "^POST .*/commit/")
    lane.reset()
    start, wanted = truth.look(lane), truth.intended(lane.folder)
    plan = Plan(id="revoked", fate="hold", request=request, occurrence=occurrence, go_file=str(lane.go_file))
    lane.plan(plan)

    def revoke() -> None:
        if lane.is_struck(plan.id) and not lane.go_file.exists():
            lane.stop_hub(kill=True)
            lane.start_hub([User("tester", "write", "hf_another")])
            lane.go_file.touch()

    try:
        ran = lane.start("release").wait(revoke)
        assert lane.hub is not None
        assert HfApi(endpoint=lane.hub.endpoint, token="hf_another").whoami()["name"] == "tester"
    finally:
        lane.plan(Plan())
        lane.stop_hub()
        lane.start_hub()
    assert ran.code == 1
    assert "token" in ran.said
    assert truth.after_fault(start, truth.look(lane), wanted) == []
    again = lane.run("release")
    assert truth.after_retry(start, truth.look(lane), wanted, again) == []


@pytest.mark.parametrize("file_bytes", [0, 1000, 50_000])
def test_release_on_a_full_disk_says_so_and_can_be_repeated(lane: Lane, file_bytes: int) -> None:
    lane.reset()
    start, wanted = truth.look(lane), truth.intended(lane.folder)
    ran = lane.run("release", file_bytes=file_bytes)
    assert ran.code != 0
    assert truth.after_fault(start, truth.look(lane), wanted) == []
    again = lane.run("release")
    assert truth.after_retry(start, truth.look(lane), wanted, again) == []


@pytest.mark.parametrize("seconds", [0.0, 0.002, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16])
def test_release_killed_while_it_writes_its_receipt_can_be_repeated(
    lane: Lane, requests: list[dict[str, Any]], seconds: float
) -> None:
    """After its last request a release writes the receipt and commits it to git."""
    line = requests[-1]
    lane.reset()
    start, wanted = truth.look(lane), truth.intended(lane.folder)
    plan = Plan(id="late", fate="kill-later", request=line["request"], occurrence=line["occurrence"])
    lane.plan(Plan(**{**vars(plan), "seconds": seconds, "pid_file": str(lane.pid_file)}))
    lane.start("release").wait()
    lane.settle()
    lane.plan(Plan())
    assert truth.after_fault(start, truth.look(lane), wanted) == []
    again = lane.run("release")
    assert truth.after_retry(start, truth.look(lane), wanted, again) == []


def test_release_as_a_process_of_its_own_survives_a_lost_answer(
    lane: Lane, requests: list[dict[str, Any]]
) -> None:
    """The other tests fork their runs; this is `python -m pipeline release` as a user types it."""
    request, occurrence = last(requests, "^POST .*/(merge|commit/main)")
    lane.reset()
    start, wanted = truth.look(lane), truth.intended(lane.folder)
    lane.plan(Plan(id="lost", fate="mute", request=request, occurrence=occurrence))
    environment = workspaces.environment(lane.endpoint, lane.root / "home")
    workspaces.pipeline(lane.folder, environment, "release")
    assert lane.is_struck("lost")
    assert truth.after_fault(start, truth.look(lane), wanted) == []
    again = lane.run("release")
    assert truth.after_retry(start, truth.look(lane), wanted, again) == []


@pytest.mark.faults
@pytest.mark.timeout(MATRIX_SECONDS)
def test_release_survives_every_fault_at_every_request(
    template: Template, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """FAULTS_ONLY: a pattern for cases; FAULTS_LANES: how many at a time; FAULTS_REPORT: a file for it."""
    report = Path(os.environ.get("FAULTS_REPORT") or tmp_path / "faults.json")
    with capsys.disabled():
        outcomes = matrix.run(
            tmp_path,
            template,
            lanes=int(os.environ.get("FAULTS_LANES") or 4),
            only=os.environ.get("FAULTS_ONLY") or "",
            report=report,
        )
        print(f"\n{cases.print_table(outcomes)}\n{report}")
    assert outcomes
    assert [outcome.case.name for outcome in outcomes if not outcome.survived] == []
