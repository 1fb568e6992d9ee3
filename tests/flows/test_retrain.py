"""The flow on a workspace whose steps do nothing, so that only the flow is tested."""

import errno
import json
import logging
import os
import shutil
import signal
import time
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID

import pytest

from flows import retrain, steps
from flows.lifelines import Lifeline
from flows.server import Watch
from flows.views import markup
from pipeline.errors import EndedBySignal, ExitCode
from pipeline.params import load
from pipeline.preflight import moved_rows
from pipeline.preflight.moved_rows import MovedRows, SplitMoves
from pipeline.publishing import waiting
from pipeline.workspace import approvals, locks, paths
from pipeline.workspace.files import write_text
from tests.flows.server import Prefect, alive, ended, until
from tests.flows.toy import steps_run
from tests.support import sealed
from tests.support.workspaces import PROJECT, git, set_params

STEPS = ["check", "refresh", "pin", "audit", "train", "evaluate", "gate", "card", "release"]


def test_retrain_runs_every_step_once_then_skips_them_all(prefect: Prefect, toy: Path) -> None:
    code, output = prefect.run_flow(toy)

    assert code == 0, output
    assert steps_run(toy) == STEPS
    (run,) = prefect.runs_on(toy)
    (receipt,) = (toy / "receipts").glob("*.json")
    assert run["state"]["message"] == f"released v1: toy/model at {receipt.stem}"
    assert (run["state"]["type"], run["state"]["name"], run["name"]) == (
        "COMPLETED",
        "Released",
        "released v1",
    )
    until(lambda: "train says good day" in prefect.logs_of(run))
    until(lambda: prefect.tasks_of(run) == dict.fromkeys(STEPS, "Completed"))
    assert "| new | test | 384 | 0.9125 | 0.8807 to 0.9364 | 400 |" in prefect.artifact_of(run)

    begin = time.monotonic()
    code, output = prefect.run_flow(toy)

    assert time.monotonic() - begin < 30
    assert code == 0, output
    assert steps_run(toy) == ["check", "refresh"]
    again = prefect.runs_on(toy)[0]
    assert (again["state_type"], again["state"]["name"], again["name"]) == (
        "COMPLETED",
        "Skipped",
        "unchanged",
    )
    assert again["state"]["message"] == "unchanged: every step skipped, v1 stays released"
    assert "train: unchanged, skipped" in output
    until(lambda: prefect.tasks_of(again).get("card") == "Skipped")


def test_retrain_runs_only_what_a_change_reaches(prefect: Prefect, toy: Path) -> None:
    prefect.run_flow(toy, "--no-release")
    steps_run(toy)
    (toy / "records" / "metrics.json").write_text("{}", "utf-8")  # DVC sees that it is not evaluate's

    code, output = prefect.run_flow(toy, "--no-refresh", "--no-release")

    assert code == 0, output
    assert steps_run(toy) == ["check", "evaluate"]
    assert not (toy / "receipts").exists()
    assert prefect.runs_on(toy)[0]["state"]["message"].startswith("passed the gate; not released")


def test_retrain_ends_completed_without_a_release_where_the_gate_refuses(prefect: Prefect, toy: Path) -> None:
    (toy / "data.txt").write_text("bad", "utf-8")

    code, output = prefect.run_flow(toy)

    assert code == 0, output
    assert "release" not in steps_run(toy)
    state = prefect.runs_on(toy)[0]["state"]
    assert (state["type"], state["name"]) == ("COMPLETED", "Refused")
    assert state["message"].startswith(
        "refused by the gate: triplet accuracy at 16: 0.8000, wanted at least 0.9"
    )


def test_retrain_shows_a_steps_message_as_the_state_without_a_traceback(prefect: Prefect, toy: Path) -> None:
    (toy / "say").write_text("fail audit", "utf-8")

    code, output = prefect.run_flow(toy)

    assert code == 1
    assert steps_run(toy) == ["check", "refresh", "pin", "audit"]
    state = prefect.runs_on(toy)[0]["state"]
    assert state["type"] == "FAILED"
    said = "audit: rows is 3, wanted 4 or more;\n  raise it in params.yaml\naudit: there are 2 more"
    assert state["message"] == said
    assert output.endswith(f"retrain: {said}\n")
    assert "Traceback" not in output
    assert "NoneType" not in output
    assert "git checkout" in output
    run = prefect.runs_on(toy)[0]
    assert run["name"] == "failed in audit"
    assert markup.message(said) in prefect.artifact_of(run)


def test_retrain_ends_completed_where_a_release_waits_for_a_person(prefect: Prefect, toy: Path) -> None:
    (toy / "say").write_text("wait release", "utf-8")

    code, output = prefect.run_flow(toy)

    assert code == ExitCode.WAITS_FOR_PERSON, output
    assert steps_run(toy) == STEPS  # tried once
    run = prefect.runs_on(toy)[0]
    assert (run["state"]["type"], run["state"]["name"]) == ("COMPLETED", "Waiting")
    assert run["state"]["message"] == "candidate 0 is a person's to let out"
    assert "# v1 waits for a person\n" in prefect.artifact_of(run)
    until(lambda: prefect.tasks_of(run).get("release") == "Waiting")


def test_retrain_tries_a_refused_step_no_second_time(prefect: Prefect, toy: Path) -> None:
    (toy / "say").write_text("fail pin", "utf-8")

    code, output = prefect.run_flow(toy)

    assert code == ExitCode.FAILED, output
    assert steps_run(toy) == ["check", "refresh", "pin"]
    run = prefect.runs_on(toy)[0]
    assert run["state"]["message"].startswith("pin: rows is 3, wanted 4 or more")
    until(lambda: prefect.tasks_of(run).get("pin") == "Failed")


def test_retrain_fails_where_a_step_breaks_off_whatever_its_words(prefect: Prefect, toy: Path) -> None:
    (toy / "say").write_text("crash gate", "utf-8")

    code, output = prefect.run_flow(toy)

    assert code == ExitCode.FAILED, output
    assert "release" not in steps_run(toy)
    state = prefect.runs_on(toy)[0]["state"]
    assert state["type"] == "FAILED"
    assert state["message"].startswith("gate: broke off with exit code 1, and said last: ")


def test_retrain_fails_with_one_message_where_a_receipt_is_none(prefect: Prefect, toy: Path) -> None:
    (toy / "receipts").mkdir()
    (toy / "receipts" / "1.json").write_text("{}", "utf-8")

    code, output = prefect.run_flow(toy)

    assert code == ExitCode.FAILED
    assert "Traceback" not in output
    state = prefect.runs_on(toy)[0]["state"]
    assert state["type"] == "FAILED"
    assert state["message"].startswith(f"{toy / 'receipts' / '1.json'} is no receipt")


def test_retrain_says_released_of_no_release_that_stood_already(prefect: Prefect, toy: Path) -> None:
    prefect.run_flow(toy, "--no-refresh")
    steps_run(toy)
    (toy / "records" / "metrics.json").write_text("{}", "utf-8")  # measured anew, with the same candidate

    code, output = prefect.run_flow(toy, "--no-refresh")

    assert code == 0, output
    assert steps_run(toy) == ["check", "evaluate", "release"]
    state = prefect.runs_on(toy)[0]["state"]
    assert (state["name"], state["message"]) == (
        "Skipped",
        "the steps that ran gave the same candidate, v1 stays released",
    )


def test_retrain_waits_for_a_workspace_that_somebody_else_holds(prefect: Prefect, toy: Path) -> None:
    with locks.hold(toy, "train"):
        flow = prefect.start_flow(toy)
        (run,) = until(lambda: prefect.runs_on(toy), 60)
        says = f"waits for `train` (process {os.getpid()} on "
        until(lambda: [line for line in prefect.logs_of(run) if line.startswith(says)])
        assert steps_run(toy) == []

    code, output = ended(flow, 60)
    assert code == 0, output
    assert steps_run(toy) == STEPS


def test_retrain_asks_a_hub_that_is_away_again_until_it_answers(prefect: Prefect, toy: Path) -> None:
    (toy / "say").write_text("away pin", "utf-8")
    flow = prefect.start_flow(toy)
    until(lambda: (toy / "steps.txt").exists() and (toy / "steps.txt").read_text().count("pin") == 2, 60)
    (toy / "say").unlink()

    code, output = ended(flow, 60)
    assert code == 0, output
    assert "pin: could not look at it: the Hub did not answer\npin is tried again in 1 seconds" in output
    assert {*steps_run(toy)} == {*STEPS}


def test_retrain_fails_where_a_hub_is_away_for_longer_than_anybody_waits(prefect: Prefect, toy: Path) -> None:
    (toy / "say").write_text("away pin", "utf-8")
    set_params(toy, {"hub.patience_hours": 0.0003})

    code, output = prefect.run_flow(toy)

    assert code == 1, output
    assert steps_run(toy).count("pin") > 1
    assert prefect.runs_on(toy)[0]["state"]["message"] == "pin: could not look at it: the Hub did not answer"


def test_retrain_that_nobody_else_can_end_looks_whether_it_was_cancelled(prefect: Prefect, toy: Path) -> None:
    """No worker watches it, as none does where the server was restarted meanwhile."""
    (toy / "say").write_text("hang train", "utf-8")
    flow = prefect.start_flow(toy)
    pids = [int(word) for word in until(lambda: read(toy / "pids"), 60).split()]
    (run,) = prefect.runs_on(toy)
    prefect.cli("flow-run", "cancel", run["id"])

    code, output = ended(flow, 60)
    assert code == 1, output
    assert not any(map(alive, pids))
    state = prefect.runs_on(toy)[0]["state"]
    assert state["type"] == "CANCELLED", state


@pytest.mark.parametrize("signals", [[signal.SIGKILL], [signal.SIGTERM, signal.SIGTERM]])
def test_retrain_leaves_no_training_behind_when_it_is_ended(
    prefect: Prefect, toy: Path, signals: list[signal.Signals]
) -> None:
    (toy / "say").write_text("hang train", "utf-8")
    with prefect.start_flow(toy) as flow:
        pids = [int(word) for word in until(lambda: read(toy / "pids")).split()]
        for each in signals:
            flow.send_signal(each)
            time.sleep(0.3)
        flow.communicate(timeout=30)

    until(lambda: not any(map(alive, pids)), 15)
    until(lambda: json.loads(read(toy / ".dvc" / "tmp" / "rwlock")) == {}, 15)
    (toy / "say").unlink()
    steps_run(toy)
    code, output = prefect.run_flow(toy)
    assert code == 0, output
    assert steps_run(toy) == ["check", "refresh", *STEPS[4:]]


def read(path: Path) -> str:
    return path.read_text("utf-8") if path.exists() else ""


@pytest.fixture
def judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> steps.Work:
    """A workspace with a verdict that waits for a person, as a run finds it; no server is asked."""
    monkeypatch.setattr(retrain, "get_run_logger", lambda: logging.getLogger("a run"))
    set_up = {"approve.policy": "human", "approve.wait_days": 7.0}
    shutil.copy(PROJECT / "params.yaml", tmp_path)
    set_params(tmp_path, set_up)
    (tmp_path / ".dvc").mkdir()
    git(tmp_path, "init", "--quiet")
    for key, value in (("name", "Test"), ("email", "test@example.org")):
        git(tmp_path, "config", f"user.{key}", value)
    verdict = sealed.verdict("c" * 64)
    write_text(tmp_path / paths.RECORDS["gate"], verdict.dump())
    waiting.begin(tmp_path, load(tmp_path), verdict)
    return steps.Work(tmp_path, (0, ""), Watch(None), Lifeline(tmp_path, "0"))


def test_retrain_at_a_terminal_ends_by_ctrl_c_with_one_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pressed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(retrain, "retrain", pressed)
    monkeypatch.setenv(retrain.WORKSPACES, "")
    with pytest.raises(EndedBySignal, match=r"^ended by Ctrl-C\. The next run goes on"):
        retrain.run(tmp_path, load(PROJECT), refresh=True, release=True)


def test_retrain_leaves_alone_what_waits(judged: steps.Work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrain, "_form", lambda work, candidate: f"http://prefect/run?{candidate[:4]}")
    end = retrain._run(judged, refresh=True, release=True)
    assert end.state.name == "Skipped"
    assert (end.state.message or "").startswith("v1 waits for a person, since ")
    assert end.did == "v1 waits still"
    assert "[Approve or reject it](<http://prefect/run?cccc>)" in end.page


def test_retrain_ends_with_one_message_where_the_disk_is_full(
    judged: steps.Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(*_: object) -> retrain.End:
        raise OSError(errno.ENOSPC, "No space left on device", "records/card.json")

    monkeypatch.setattr(retrain, "_run", write)
    end = retrain._locked(judged.workspace, UUID(int=1), judged.watch, judged.life, True, True)
    assert end.state.is_failed()
    assert end.state.message == "the disk is full at records/card.json; free some space, then run it again"
    with pytest.raises(OSError, match="Bad file descriptor"):
        steps.of_full_disk(OSError(errno.EBADF, "Bad file descriptor"))


def test_retrain_rejects_what_waited_for_too_long_and_goes_on(judged: steps.Work) -> None:
    set_params(judged.workspace, {"approve.wait_days": 0.0})
    assert retrain._put_up(judged) is None
    end = retrain._release(judged, wanted=True, unchanged=True)
    assert (end.state.name, end.did) == ("Skipped", "rejected before")
    said = "the same candidate, which katman rejected "
    assert (end.state.message or "").startswith(said)
    assert "nobody decided in 0 days" in (end.state.message or "")


def test_retrain_releases_first_what_was_approved(judged: steps.Work) -> None:
    folder, params = judged.workspace, load(judged.workspace)
    verdict = sealed.verdict("c" * 64)
    approvals.save(folder, "c" * 64, approvals.draft(folder, params, verdict, "Ada", "yes"))
    found = retrain._put_up(judged)
    assert found is not None
    assert found.free


def test_retrain_puts_what_moved_in_the_data_on_its_page(
    judged: steps.Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[object] = []
    monkeypatch.setattr("flows.server.passing", lambda run, say, tell: told.append(tell))
    monkeypatch.setattr("flows.retrain.flow_run", SimpleNamespace(get_id=lambda: "0" * 32))
    retrain._tell_moved(judged)
    assert told == []
    moved = MovedRows("a", "b", {"train": SplitMoves(1, 0, 0, 1, 2)}, [])
    moved_rows.keep(judged.workspace, moved)
    retrain._tell_moved(judged)
    assert len(told) == 1
