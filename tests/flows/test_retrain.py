"""The flow on a workspace whose steps do nothing, so that only the flow is tested."""

import json
import signal
import time
from pathlib import Path

import pytest

from flows import lock
from pipeline.errors import ExitCode
from tests.flows.server import Prefect, alive, until
from tests.flows.toy import steps_run

STEPS = ["check", "refresh", "pin", "audit", "train", "evaluate", "gate", "card", "release"]


def test_retrain_runs_every_step_once_then_skips_them_all(prefect: Prefect, toy: Path) -> None:
    code, output = prefect.run_flow(toy)

    assert code == 0, output
    assert steps_run(toy) == STEPS
    (run,) = prefect.runs_on(toy)
    (receipt,) = (toy / "receipts").glob("*.json")
    assert run["state"]["message"] == f"released v1: toy/model at {receipt.stem}"
    until(lambda: "train says good day" in prefect.logs_of(run))
    until(lambda: prefect.tasks_of(run) == dict.fromkeys(STEPS, "Completed"))
    assert "| candidate | test | 384 | 0.9125 | 0.8807 to 0.9364 | 400 |" in prefect.artifact_of(run)

    begin = time.monotonic()
    code, output = prefect.run_flow(toy)

    assert time.monotonic() - begin < 30
    assert code == 0, output
    assert steps_run(toy) == ["check", "refresh"]
    again = prefect.runs_on(toy)[0]
    assert again["state_type"] == "COMPLETED"
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
    assert state["type"] == "COMPLETED"
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


def test_retrain_ends_completed_where_a_release_waits_for_a_person(prefect: Prefect, toy: Path) -> None:
    (toy / "say").write_text("wait release", "utf-8")

    code, output = prefect.run_flow(toy)

    assert code == ExitCode.WAITS_FOR_PERSON, output
    assert steps_run(toy) == STEPS  # tried once
    run = prefect.runs_on(toy)[0]
    assert (run["state"]["type"], run["state"]["name"]) == ("COMPLETED", "Waiting")
    assert run["state"]["message"] == "candidate 0 is a person's to let out"
    assert "a person's to let out" in prefect.artifact_of(run)
    until(lambda: prefect.tasks_of(run).get("release") == "Waiting")


def test_retrain_tries_a_refused_step_no_second_time(prefect: Prefect, toy: Path) -> None:
    (toy / "say").write_text("fail pin", "utf-8")

    code, output = prefect.run_flow(toy)

    assert code == ExitCode.FAILED, output
    assert steps_run(toy) == ["check", "refresh", "pin"]
    run = prefect.runs_on(toy)[0]
    assert run["state"]["message"].startswith("pin: rows is 3, wanted 4 or more")
    until(lambda: prefect.tasks_of(run).get("pin") == "Refused")


def test_retrain_fails_where_a_step_breaks_off_whatever_its_words(prefect: Prefect, toy: Path) -> None:
    (toy / "say").write_text("crash gate", "utf-8")

    code, output = prefect.run_flow(toy)

    assert code == ExitCode.FAILED, output
    assert "release" not in steps_run(toy)
    state = prefect.runs_on(toy)[0]["state"]
    assert state["type"] == "FAILED"
    assert state["message"].startswith("gate: ended with exit code 1, and said last: ")


def test_retrain_fails_with_one_message_where_a_receipt_is_none(prefect: Prefect, toy: Path) -> None:
    (toy / "receipts").mkdir()
    (toy / "receipts" / "1.json").write_text("{}", "utf-8")

    code, output = prefect.run_flow(toy)

    assert code == ExitCode.FAILED
    assert "Traceback" not in output
    state = prefect.runs_on(toy)[0]["state"]
    assert state["type"] == "FAILED"
    assert state["message"].startswith(f"{toy / 'receipts' / '1.json'} is no receipt")


def test_retrain_refuses_a_workspace_that_another_run_holds(prefect: Prefect, toy: Path) -> None:
    with lock.hold(toy):
        code, output = prefect.run_flow(toy)

    assert code == 1, output
    assert steps_run(toy) == []
    assert "another run (process" in prefect.runs_on(toy)[0]["state"]["message"]


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
