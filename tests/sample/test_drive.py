"""The driver's own parts; the whole sample is `make sample`."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError

from pipeline.commands import init
from pipeline.errors import ExitCode
from pipeline.params import load
from pipeline.params.key_changes import complete
from pipeline.params.rewrite import rewrite
from pipeline.workspace import paths
from pipeline.workspace.files import write_text
from sample import __main__ as sample
from sample import drive, drive_flow, drive_hub, drive_room, report, workspace
from sample.drive_screen import Screen
from tests.support import sealed
from tests.support.records import METRICS, receipt

LOG = """\
10:00:00.000 | INFO    | Flow run 'tall-fox' - Beginning flow run 'tall-fox' for flow 'retrain'
10:00:01.000 | INFO    | Task run 'pin' - Running stage 'pin':
10:00:02.000 | INFO    | Task run 'pin' - train 4400 rows
10:00:03.000 | INFO    | Task run 'pin' - Finished in state Completed('pin: done')
10:00:03.000 | INFO    | Task run 'train' -  50%|#####     | 12/24 [00:01<00:01, 1.0it/s]
10:00:04.000 | INFO    | Task run 'train' - 24 steps
10:00:05.000 | INFO    | Task run 'train' - Finished in state Completed('train: done')
10:00:06.000 | INFO    | Flow run 'tall-fox' - Finished in state Completed("refused by the gate: 'x' is 1")
"""


def figures(**changes: Any) -> report.Figures:
    """Give the figures of a run that released something."""
    found: dict[str, Any] = {
        "endpoint": "http://127.0.0.1",
        "outcome": "released v1",
        "repo": "sample/tuned",
        "commit": "1" * 40,
        "tag": "v1",
        "verdict": "passed",
        "failed_checks": {},
        "accuracies": {},
        "seconds": {},
        "total_seconds": 0.0,
    }
    return report.Figures.model_validate(found | changes)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A git repository with a committed, a changed, an untracked and an ignored file."""
    folder = tmp_path / "project"
    for name in ("kept.py", "changed.py", "records/pin.json", "dvc.lock"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("as committed", "utf-8")
    (folder / ".gitignore").write_text("/ignored\n", "utf-8")
    env = drive_room.Room(tmp_path).environment()
    for command in (
        ["init", "--quiet"],
        ["add", "."],
        ["-c", "user.name=T", "-c", "user.email=t@t", "commit", "-qm", "1"],
    ):
        subprocess.run(["git", *command], cwd=folder, env=env, check=True)
    (folder / "changed.py").write_text("as it stands", "utf-8")
    (folder / "new.py").touch()
    (folder / "ignored").touch()
    return folder


def test_workspace_copies_what_stands_there_and_nothing_of_former_runs(project: Path, tmp_path: Path) -> None:
    env = drive_room.Room(tmp_path).environment()
    work = tmp_path / "work"
    workspace.make(work, env, project)
    commit = workspace.start(work, "hub: {}\n", env)
    tracked = subprocess.check_output(["git", "ls-files"], cwd=work, env=env, text=True).split()
    assert {name for name in tracked if not name.startswith(".")} == {
        *("changed.py", "kept.py", "new.py", "params.yaml"),
    }
    assert (work / "changed.py").read_text("utf-8") == "as it stands"
    assert (work / ".dvc" / "config").exists()
    assert subprocess.check_output(["git", "status", "--short"], cwd=work, env=env, text=True) == ""
    assert len(commit) == 40


def test_sample_sets_all_of_its_own_values_on_top_of_what_init_writes(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text(complete(init.TEMPLATE.read_text("utf-8")), "utf-8")
    (tmp_path / "params.yaml").write_text(drive.on_top(tmp_path / "params.yaml", {"hub.retries": 7}), "utf-8")
    own = tmp_path / "own"
    own.mkdir()
    (own / "params.yaml").write_text(
        drive.PARAMS.read_text("utf-8").replace("retries: 4", "retries: 7"), "utf-8"
    )
    assert load(tmp_path) == load(own)
    assert load(own).release.repo == drive_hub.RELEASE
    assert "# " in (tmp_path / "params.yaml").read_text("utf-8")


def test_workspace_refuses_a_project_without_git(tmp_path: Path) -> None:
    with pytest.raises(workspace.SampleError, match="is no git repository"):
        workspace.files(tmp_path)


def test_drive_fills_in_a_params_file_that_the_pipeline_accepts(tmp_path: Path) -> None:
    values = {"hub.endpoint": "http://127.0.0.1:1", "base.revision": "a" * 40, "dataset.revision": "1" * 40}
    (tmp_path / "params.yaml").write_text(rewrite(drive.PARAMS, values), "utf-8")
    params = load(tmp_path)
    assert (params.base.repo, params.base.revision) == (drive_hub.BASE, "a" * 40)
    assert (params.dataset.repo, params.dataset.revision) == (drive_hub.DATASET, "1" * 40)
    assert params.hub.endpoint == "http://127.0.0.1:1"


def test_drive_refuses_a_base_with_other_weights(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"other weights")
    with pytest.raises(workspace.SampleError, match=f"wanted {drive_hub.BASE_SHA256}"):
        drive_hub.checked(tmp_path)


def test_drive_accepts_the_base_that_is_installed() -> None:
    assert (drive_hub.base_folder() / "modules.json").exists()


@pytest.mark.parametrize("part", [drive.after, drive.hub])
def test_drive_says_that_the_sample_was_not_run(part: Any, tmp_path: Path) -> None:
    with pytest.raises(workspace.SampleError, match="run `make sample` first"):
        part(drive_room.Room(tmp_path))


def test_drive_goes_on_from_a_sample_once_only(tmp_path: Path) -> None:
    room = drive_room.Room(tmp_path)
    first, second = receipt("v1"), receipt("v2")
    for one in (first, second):
        write_text(room.work / "receipts" / f"{one.commit}.json", one.model_dump_json())
    report.write(tmp_path / "report.json", figures(commit=first.commit).model_dump(mode="json"))
    with pytest.raises(workspace.SampleError, match="went on from this sample already"):
        drive.after(room)


def test_room_is_one_runs_at_a_time_and_keeps_the_users_settings_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_of_the_user")
    monkeypatch.setenv("HF_ENDPOINT", "https://huggingface.co")
    before = dict(os.environ)
    try:
        with drive_room.enter(tmp_path / "room") as room:
            assert os.environ["HF_TOKEN"] == room.token
            assert "HF_ENDPOINT" not in os.environ
            with pytest.raises(workspace.SampleError, match="another"), drive_room.enter(tmp_path / "room"):
                pass
    finally:
        os.environ.clear()
        os.environ.update(before)


def test_room_draws_a_token_of_its_own_and_shows_it_nowhere(tmp_path: Path) -> None:
    first, second = drive_room.Room(tmp_path), drive_room.Room(tmp_path)
    assert len(first.token) == 37
    assert first.token != second.token
    assert first.token not in repr(first)
    with drive_hub.running(first, 0) as hub:
        HfApi(endpoint=hub.endpoint, token=first.token).whoami()
        with pytest.raises(HfHubHTTPError) as refused:
            HfApi(endpoint=hub.endpoint, token=second.token).whoami()
        assert refused.value.response.status_code == 401


def test_main_ends_with_one_message_and_exit_code_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = dict(os.environ)
    monkeypatch.setattr(sample, "enter", lambda: drive_room.enter(tmp_path))
    monkeypatch.setattr("signal.signal", lambda *arguments: None)
    try:
        assert sample.main(["next"]) == 1
    finally:
        os.environ.clear()
        os.environ.update(before)
    assert capsys.readouterr().err == "\nsample: there is no sample to go on from: run `make sample` first\n"


def flow(room: drive_room.Room, code: str) -> drive_flow.Ended:
    """Run a flow in a workspace whose code is `code`."""
    (room.work / "pipeline").mkdir(parents=True)
    (room.work / "pipeline" / "__main__.py").write_text(code, "utf-8")
    room.logs.mkdir()
    with subprocess.Popen(["true"]) as process:
        server = drive_flow.Server("http://127.0.0.1:1/api", process, room, "katman:x")
    return drive_flow.retrain(room, server, "http://127.0.0.1:1", Screen(), room.logs / "flow.txt")


def test_flow_shows_each_step_and_returns_the_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = f"import sys\nsys.stderr.write({LOG!r})\nprint(sys.argv[1], 'came to an end')\n"
    ended = flow(drive_room.Room(tmp_path), code)
    assert ended == ("retrain came to an end", False)
    assert (tmp_path / "log" / "flow.txt").read_text("utf-8") == LOG
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["pin", "train", "4400", "rows"] in [line[:4] for line in lines]
    assert ["train", "24", "steps"] in [line[:3] for line in lines]


FAILS = """
import json, os, sys
said = {{"step": "retrain", "error": "E", "exit_code": {code}, "message": "why\\nand how", "passing": False}}
open(os.environ["KATMAN_FAILURE"], "w").write(json.dumps(said))
sys.exit({code})
"""


def test_flow_says_that_a_candidate_waits_for_a_person(tmp_path: Path) -> None:
    ended = flow(drive_room.Room(tmp_path), FAILS.format(code=int(ExitCode.WAITS_FOR_PERSON)))
    assert ended == ("why\nand how", True)


def test_flow_that_fails_ends_the_sample_with_its_message(tmp_path: Path) -> None:
    with pytest.raises(workspace.SampleError, match=r"^why\nand how\nThe full log is .*flow.txt$"):
        flow(drive_room.Room(tmp_path), FAILS.format(code=int(ExitCode.FAILED)))


def test_flow_that_breaks_off_ends_the_sample_with_its_log(tmp_path: Path) -> None:
    with pytest.raises(
        workspace.SampleError, match=r"^the flow ended with exit code 1\n(.*\n)+  \| KeyError: 'waits'\n"
    ):
        flow(drive_room.Room(tmp_path), "raise KeyError('waits')")


def test_report_finds_every_file_that_differs(tmp_path: Path) -> None:
    for name in ("same", "other", "more", ".gitattributes"):
        (tmp_path / name).touch()
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    with pytest.raises(workspace.SampleError, match="missing, more, other differ"):
        report.compare(tmp_path, {"same": empty, "other": "0", "missing": empty})
    report.compare(tmp_path, {"same": empty, "other": empty, "more": empty})


def test_report_gathers_the_figures(tmp_path: Path) -> None:
    check = {"value": 0.7, "rule": ">=", "wanted": 0.8, "passed": False}
    verdict = sealed.verdict("c" * 64, passed=False, outcome="failed", checks={"floor_64": check})
    write_text(tmp_path / paths.RECORDS["gate"], verdict.dump())
    write_text(tmp_path / paths.RECORDS["evaluate"], METRICS.read_text("utf-8"))
    found = report.gather(tmp_path, "http://127.0.0.1", "refused by the gate", {"pin": 1.0, "train": 2.5})
    assert found.verdict == "refused"
    assert found.failed_checks == {"floor_64": "triplet accuracy at 64: 0.7000, wanted at least 0.8"}
    assert found.total_seconds == 3.5
    assert (found.repo, found.commit, found.tag) == (None, None, None)
    assert report.table(found.accuracies).splitlines()[:2] == [
        "  dimension     base     live   anchor    tuned",
        "        384   0.6875   0.9300   0.9300   0.9125",
    ]
    report.write(tmp_path / "report.json", found.model_dump(mode="json"))
    assert report.Figures.model_validate_json((tmp_path / "report.json").read_bytes()) == found


def test_report_holds_what_the_sample_promises() -> None:
    def scores(base: float, tuned: float) -> report.Accuracies:
        return {"base": {"test": {64: 0.0, 384: base}}, "candidate": {"test": {64: 0.0, 384: tuned}}}

    assert report.outside_bands(scores(0.60, 0.98)) == []
    assert report.outside_bands(scores(0.59, 0.84)) == [
        "base scores 0.5900 on test, wanted 0.60 to 0.85",
        "tuned scores 0.8400 on test, wanted 0.85 to 0.98",
    ]
