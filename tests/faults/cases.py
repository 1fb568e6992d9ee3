"""Every fault that is tried, and how one is tried at one request of a release."""

from __future__ import annotations

import json
import random
import resource
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tests.faults import truth
from tests.faults.lanes import REPO, TOO_LATE_SECONDS, Lane, Ran
from tests.faults.plans import Plan

VERSION = "v2"
STRANGER = "theirs.txt"
# A model is larger, receipts and most configurations are not.
FULL_DISK_BYTES = 700


@dataclass(frozen=True)
class Fault:
    """One class of faults.

    Attributes:
        plan: What the proxy does.
        only_bodies: It means requests with a body only.
        kills: "hub" or "run": whom the plan kills.
        meanwhile: What happens while the request is held.
        between: What a person does before running it again.
        stranger: Main has somebody else's commit in the end, so the release is refused and that commit kept.
        needs_main: It means a repository that is there.
    """

    plan: Plan
    only_bodies: bool = False
    kills: str = ""
    meanwhile: Callable[[Lane, int], object] | None = None
    between: Callable[[Lane], object] | None = None
    stranger: bool = False
    needs_main: bool = False


@dataclass(frozen=True)
class Case:
    """A fault at a request of the second release, or of the first."""

    fault: str
    request: str
    occurrence: int
    first: bool = False

    @property
    def name(self) -> str:
        """As `FAULTS_ONLY` finds it."""
        return f"{self.fault} | {self.request} #{self.occurrence}{' of the first release' * self.first}"


@dataclass(frozen=True)
class Outcome:
    """What came of a case: not met where the release never made the request."""

    case: Case
    met: bool
    faults: list[str]
    first: Ran
    retry: Ran
    plan: Mapping[str, Any]

    @property
    def survived(self) -> bool:
        return not self.faults


def _fill_disk(_: Lane, pid: int) -> None:
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (FULL_DISK_BYTES, FULL_DISK_BYTES))


def _commit_to_main(lane: Lane, _: int) -> None:
    lane.api().upload_file(path_or_fileobj=b"theirs", path_in_repo=STRANGER, repo_id=REPO)


def _tag_elsewhere(lane: Lane, _: int) -> None:
    refs = lane.api().list_repo_refs(REPO)
    if VERSION not in {tag.name for tag in refs.tags}:
        lane.api().create_tag(REPO, tag=VERSION, revision="v1")


def _remove_wrong_tag(lane: Lane) -> None:
    tags = {tag.name: tag.target_commit for tag in lane.api().list_repo_refs(REPO).tags}
    if tags.get(VERSION) == tags["v1"]:
        lane.api().delete_tag(REPO, tag=VERSION)


FAULTS: dict[str, Fault] = {
    "connection refused": Fault(Plan(fate="refuse")),
    "nobody listens from here on": Fault(Plan(fate="refuse", stays=True)),
    "cut in the upload": Fault(Plan(fate="cut"), only_bodies=True),
    "cut in every upload from here on": Fault(Plan(fate="cut", stays=True), only_bodies=True),
    "answer lost": Fault(Plan(fate="mute")),
    "answers lost from here on": Fault(Plan(fate="mute", stays=True)),
    "answer after the timeout": Fault(Plan(fate="slow", seconds=TOO_LATE_SECONDS)),
    "asked after the timeout": Fault(Plan(fate="late", seconds=TOO_LATE_SECONDS)),
    "429": Fault(Plan(fate="answer", status=429)),
    "429 with Retry-After": Fault(Plan(fate="answer", status=429, retry_after=1)),
    "500": Fault(Plan(fate="answer", status=500)),
    "503": Fault(Plan(fate="answer", status=503)),
    "503 from here on": Fault(Plan(fate="answer", status=503, stays=True)),
    "507": Fault(Plan(fate="answer", status=507)),
    "token revoked from here on": Fault(Plan(fate="answer", status=401, stays=True)),
    "server killed before": Fault(Plan(fate="kill"), kills="hub"),
    "server killed after": Fault(Plan(fate="kill-after"), kills="hub"),
    "release killed before": Fault(Plan(fate="kill"), kills="run"),
    "release killed after": Fault(Plan(fate="kill-after"), kills="run"),
    "disk full from here on": Fault(Plan(fate="hold"), meanwhile=_fill_disk),
    "main moves meanwhile": Fault(
        Plan(fate="hold"), meanwhile=_commit_to_main, stranger=True, needs_main=True
    ),
    "tag set elsewhere meanwhile": Fault(
        Plan(fate="hold"), meanwhile=_tag_elsewhere, between=_remove_wrong_tag, needs_main=True
    ),
}


def record(lane: Lane, *, first: bool = False) -> list[dict[str, Any]]:
    """Release without a fault and give every request that was made."""
    lane.reset(first=first)
    start, wanted = truth.look(lane), truth.intended(lane.folder)
    lane.plan(Plan(id="record"))
    ran = lane.run("release")
    faults = truth.after_retry(start, truth.look(lane), wanted, ran)
    assert not faults, (faults, ran)
    return lane.seen("record")


def every(lane: Lane) -> list[Case]:
    """List every fault at every request: first at those that change something, the others in no order.

    Of the first release only what the second does not ask.
    """
    groups: dict[bool, list[Case]] = {False: [], True: []}
    second = record(lane)
    known = {line["request"] for line in second}
    for line in [*second, *(line for line in record(lane, first=True) if line["request"] not in known)]:
        first = line["request"] not in known
        for name, fault in FAULTS.items():
            is_one = (line["has_body"] or not fault.only_bodies) and not (first and fault.needs_main)
            if is_one:
                case = Case(name, line["request"], line["occurrence"], first)
                groups[line["method"] in ("GET", "HEAD")].append(case)
    for cases in groups.values():
        random.Random(1).shuffle(cases)
    return [*groups[False], *groups[True]]


def attempt(lane: Lane, case: Case) -> Outcome:
    """Release with the fault, look, release again without it, look again."""
    lane.reset(first=case.first)
    start, wanted = truth.look(lane), truth.intended(lane.folder)
    fault = FAULTS[case.fault]
    files = {"hub": lane.hub_pid_file, "run": lane.pid_file}
    plan = replace(
        fault.plan,
        id=case.name,
        request=case.request,
        occurrence=case.occurrence,
        pid_file=str(files[fault.kills]) if fault.kills else "",
        go_file=str(lane.go_file),
    )
    lane.plan(plan)
    run = lane.start("release")
    first = run.wait(lambda: _attend(lane, fault, plan, run.pid))
    _attend(lane, fault, plan, run.pid)
    met = lane.is_struck(plan.id)
    lane.settle()
    lane.plan(Plan(id="retry"))
    between = truth.look(lane)
    if fault.stranger:
        faults = truth.after_stranger(start, between, wanted, STRANGER) if met else []
    else:
        faults = truth.after_fault(start, between, wanted)
    if fault.between is not None:
        fault.between(lane)
    retry = lane.run("release")
    end = truth.look(lane)
    if fault.stranger and met:
        faults += truth.after_stranger(start, end, wanted, STRANGER)
    else:
        faults += truth.after_retry(start, end, wanted, retry)
    return Outcome(case, met, faults, first, retry, asdict(plan))


def _attend(lane: Lane, fault: Fault, plan: Plan, pid: int) -> None:
    if fault.kills == "hub" and lane.hub is not None and lane.hub.process.poll() is not None:
        lane.stop_hub()
        lane.start_hub()
    if fault.meanwhile is not None and not lane.go_file.exists() and lane.is_struck(plan.id):
        try:
            fault.meanwhile(lane, pid)
        finally:
            lane.go_file.touch()


def write_json(path: Path, outcomes: list[Outcome]) -> None:
    """Write what was tried and what came of it."""
    rows = [{"name": one.case.name, "survived": one.survived, **asdict(one)} for one in outcomes]
    path.write_text(json.dumps({"table": table(outcomes), "cases": rows}, indent=1, ensure_ascii=False))


def table(outcomes: list[Outcome]) -> dict[str, dict[str, int]]:
    """Count by fault: how often it was tried, and survived."""
    rows = {}
    for name in FAULTS:
        tried = [one for one in outcomes if one.case.fault == name and one.met]
        rows[name] = {"tried": len(tried), "survived": sum(one.survived for one in tried)}
    return rows


def print_table(outcomes: list[Outcome]) -> str:
    """The same for people."""
    rows = table(outcomes)
    lines = [f"{'fault':<36} {'tried':>6} {'survived':>9}"]
    lines += [f"{name:<36} {row['tried']:>6} {row['survived']:>9}" for name, row in rows.items()]
    total = {key: sum(row[key] for row in rows.values()) for key in ("tried", "survived")}
    return "\n".join([*lines, f"{'all':<36} {total['tried']:>6} {total['survived']:>9}"])
