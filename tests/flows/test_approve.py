"""A person's decision as a run: from the form's parameters to what stands in the workspace."""

import json
import shutil
from pathlib import Path
from urllib.parse import quote

import pytest

from flows import approve
from pipeline.errors import ExitCode, ReleaseRefused, WorkspaceHeld
from pipeline.params import load
from pipeline.publishing import waiting
from pipeline.records import Receipt
from pipeline.workspace import approvals, locks, paths
from pipeline.workspace.files import write_text
from tests.flows.server import Prefect, until
from tests.flows.toy import make_toy, steps_run
from tests.support import sealed
from tests.support.deciding import CANDIDATE, PARAMS, WAITS, waits_in
from tests.support.records import put, receipt
from tests.support.workspaces import PROJECT, set_params

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJp0"


@pytest.mark.long
@pytest.mark.usefixtures("worker")
def test_approve_releases_what_waits_while_its_worker_trains(prefect: Prefect, toy: Path) -> None:
    set_params(toy, {"approve.policy": "human"})
    (toy / "say").write_text("wait release", "utf-8")
    code, output = prefect.run_flow(toy)
    assert code == ExitCode.WAITS_FOR_PERSON, output
    (run,) = prefect.runs_on(toy)
    assert (run["state"]["name"], run["name"]) == ("Waiting", "v1 waits for a person")
    page = prefect.artifact_of(run)
    deployment = prefect.ask("deployments/name/approve/production")
    candidate = json.loads((toy / "records" / "verdict.json").read_text("utf-8"))["candidate"]
    filled_in = quote(json.dumps({"candidate": candidate[:12], "workspace": str(toy)}), safe="")
    assert f"/deployments/deployment/{deployment['id']}/run?parameters={filled_in}" in page
    assert "so that nothing goes out that nobody looked at" in page

    steps_run(toy)
    (toy / "data.txt").write_text("moved", "utf-8")
    code, output = prefect.run_flow(toy)
    assert code == 0, output
    assert steps_run(toy) == []  # its bytes are left alone
    state = prefect.runs_on(toy)[0]["state"]
    assert (state["name"], state["message"].split(",")[0]) == ("Skipped", "v1 waits for a person")

    other = make_toy(toy.parent / "other")
    (other / "say").write_text("until train", "utf-8")
    prefect.cli("deployment", "run", "retrain/production", "--param", f"workspace={other}")
    until((other / "pids").exists, 90)
    given = (
        "decision=approve",
        f"candidate={candidate[:12]}",
        "name=Ada",
        "reason=I looked",
        f"workspace={toy}",
    )
    words = [word for one in given for word in ("--param", one)]
    prefect.cli("deployment", "run", "approve/production", *words)
    # It is named for what it did, and ends a moment later.
    run = until(lambda: [one for one in prefect.runs_on(toy) if one["state"]["name"] == "Released"], 90)[0]
    assert run["name"] == "Released by Ada"
    assert run["state"]["message"].startswith("released v1")
    assert run["state"]["message"].endswith("; approved by Ada: I looked")
    assert "released v1" in prefect.artifact_of(run, "decision")
    assert prefect.runs_on(other)[0]["state"]["type"] == "RUNNING"
    assert steps_run(toy) == ["approve"]
    (other / "go").touch()


def test_form_asks_for_decision_name_reason_and_signature() -> None:
    schema = approve.approve.parameters.model_dump()
    assert list(schema["properties"]) == [
        "decision",
        "candidate",
        "name",
        "reason",
        "signature",
        "workspace",
    ]
    assert schema["required"] == ["decision"]
    assert schema["properties"]["decision"]["enum"] == ["approve", "reject"]


def test_decision_is_about_what_was_looked_at(tmp_path: Path) -> None:
    write_text(tmp_path / paths.RECORDS["gate"], sealed.verdict("c" * 64).dump())
    assert approve.refuse_another(tmp_path, "") == "c" * 64
    assert approve.refuse_another(tmp_path, f" {'c' * 12} ") == "c" * 64
    with pytest.raises(ReleaseRefused, match=f"is about candidate {'d' * 12}, and {'c' * 12} stands there"):
        approve.refuse_another(tmp_path, "d" * 12)


def decided(workspace: Path, before: Receipt | None = None) -> tuple[str | None, str, str]:
    """State, name and message of a run that decided."""
    state, did, _ = approve.outcome(workspace, before)
    return state.name, did, state.message or ""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(PROJECT / "params.yaml", tmp_path)
    return waits_in(tmp_path)


def test_decision_says_who_rejected_what_and_why(folder: Path) -> None:
    approvals.reject(folder, CANDIDATE, "Ada", "The index is made anew tonight.")
    assert decided(folder) == (
        "Rejected",
        "Rejected by Ada",
        "candidate cccccccccccc is rejected by Ada: The index is made anew tonight. Everything is in place, "
        "and runs go on",
    )


def test_decision_says_who_let_out_what_and_why(folder: Path) -> None:
    put(folder, receipt("v3", candidate=CANDIDATE, endpoint="https://hub"))
    assert decided(folder)[1] == "released v3"
    approvals.save(folder, CANDIDATE, approvals.draft(folder, PARAMS, WAITS, "Ada", "I looked"))
    name, did, message = decided(folder)
    assert (name, did) == ("Released", "Released by Ada")
    assert message.startswith("released v3: tester/tuned at ")
    assert message.endswith("; approved by Ada: I looked")
    assert "[v3 on the Hub](<https://hub/tester/tuned/tree/v3>)" in approve.outcome(folder, None).below


def test_decision_about_what_is_out_already_releases_nothing(folder: Path) -> None:
    before = receipt("v3", candidate=CANDIDATE)
    put(folder, before)
    said = "candidate cccccccccccc was released before: v3 stays released"
    assert decided(folder, before) == ("Skipped", "released before", said)


def test_decision_that_nobody_signed_shows_what_to_sign(folder: Path) -> None:
    set_params(folder, {"approve.signers": [{"name": "Ada", "key": KEY}]})
    waiting.begin(folder, load(folder), WAITS)
    assert decided(folder)[:2] == ("Waiting", "waits for a signature")
    assert "ssh-keygen" in approve.outcome(folder, None).below


def test_decision_waits_for_no_training() -> None:
    holder = locks.Holder(1, "here", "train", "now", "")
    approve._briefly(holder, 1.0)
    with pytest.raises(WorkspaceHeld, match="Decide again when it has ended"):
        approve._briefly(holder, 61.0)


def test_signature_is_given_as_a_file(tmp_path: Path) -> None:
    assert approve._words("reject", "Ada", "-no", " ", tmp_path) == ["--name=Ada", "--reason=-no"]
    (word,) = approve._words("approve", "", "", "SIGNED", tmp_path)
    assert Path(word.removeprefix("--signature=")).read_text("utf-8") == "SIGNED"
