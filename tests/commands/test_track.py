"""A candidate told to a real MLflow, and to a real trackio, in a file."""

import importlib
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import ValidationError

from pipeline.commands import track
from pipeline.errors import InvalidWorkspace
from pipeline.params import Params, load
from pipeline.params.machine import TrackingParams
from pipeline.records import Summary
from pipeline.workspace import paths
from pipeline.workspace.files import write_text
from tests.support import sealed
from tests.support.workspaces import PROJECT

CANDIDATE = "c" * 64


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_text(tmp_path / paths.RECORDS["gate"], sealed.verdict(CANDIDATE).dump())
    figures = Summary(outcome="passed", ndcg={32: 0.7}, accuracy={32: 0.9}, hard={})
    write_text(tmp_path / paths.SUMMARY, figures.dump())
    write_text(tmp_path / paths.CURVES, "step,training_loss,validation_loss\n0,,1.5\n10,0.5,0.75\n")
    return tmp_path


def telling(uri: str | None, kind: Literal["mlflow", "trackio"] = "mlflow", **changes: Any) -> Params:
    how = TrackingParams(kind=kind, project="telecom", uri=uri)
    return load(PROJECT).model_copy(update={"tracking": how, **changes})


@pytest.mark.filterwarnings("default")  # of MLflow's own making
def test_track_tells_mlflow_once(folder: Path) -> None:
    mlflow = pytest.importorskip("mlflow", reason="the extra `mlflow` is not installed")
    params = telling(f"sqlite:///{folder / 'mlflow.db'}")
    told = track.run(folder, params)
    assert track.summary(told) == "candidate cccccccccccc: told to mlflow, project telecom"
    assert track.summary(track.run(folder, params)) == "candidate cccccccccccc: was told before"

    client = mlflow.MlflowClient(tracking_uri=params.tracking.uri if params.tracking else None)
    experiment = client.get_experiment_by_name("telecom")
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.data.params["train.seed"] == str(params.train.seed)
    assert run.data.metrics["accuracy.32"] == 0.9
    assert run.data.metrics["check.floor_32"] == 0.9
    assert run.data.tags["outcome"] == "passed"
    history = client.get_metric_history(run.info.run_id, "validation_loss")
    assert [(one.step, one.value) for one in history] == [(0, 1.5), (10, 0.75)]
    assert not [name for name in run.data.params if name.startswith(("hub", "approve", "tracking"))]


@pytest.mark.filterwarnings("default")  # of trackio's own making
def test_track_tells_trackio_once_and_again_what_broke_off(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = telling(str(folder / "kept"), "trackio")
    monkeypatch.setenv("TRACKIO_DIR", str(folder / "kept"))
    trackio = pytest.importorskip("trackio", reason="the extra `trackio` is not installed")
    half = trackio.init("telecom", "cccccccccccc-unfinished", embed=False)
    monkeypatch.setenv("TRACKIO_SPACE_ID", "somebody/else")  # which nobody is to be asked for
    half.log({"validation_loss": 9.0}, step=0)
    half.finish()

    told = track.run(folder, params)
    assert track.summary(told) == "candidate cccccccccccc: told to trackio, project telecom"
    assert track.summary(track.run(folder, params)) == "candidate cccccccccccc: was told before"

    (run,) = trackio.Api().runs("telecom")
    assert (run.name, run.config["outcome"]) == ("cccccccccccc", "passed")
    assert run.config["train.seed"] == str(params.train.seed)
    storage = importlib.import_module("trackio.sqlite_storage").SQLiteStorage
    rows = {row["step"]: row for row in storage.get_logs("telecom", run.name, run_id=run.id)}
    assert [(step, row["validation_loss"]) for step, row in sorted(rows.items())] == [(0, 1.5), (10, 0.75)]
    assert (rows[0]["accuracy.32"], rows[0]["check.floor_32"], rows[0]["passed"]) == (0.9, 0.9, 1.0)


def test_trackio_is_told_in_a_folder() -> None:
    with pytest.raises(ValidationError, match=r"tracking.uri is 'https://x'.*a folder"):
        telling("https://x", "trackio")


def test_trackio_without_the_library_says_what_to_install(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "trackio", None)
    with pytest.raises(InvalidWorkspace, match=r"-m pip install 'trackio>=0.43,<1'`, or set"):
        track.run(folder, telling(None, "trackio"))


def test_track_wants_a_tracker(folder: Path) -> None:
    with pytest.raises(InvalidWorkspace, match=r"tracking is null; wanted \{kind, project, uri\}"):
        track.run(folder, load(PROJECT))


@pytest.mark.filterwarnings("default")
def test_track_says_what_the_tracker_said(folder: Path) -> None:
    pytest.importorskip("mlflow", reason="the extra `mlflow` is not installed")
    with pytest.raises(InvalidWorkspace, match="mlflow was not told of candidate cccccccccccc"):
        track.run(folder, telling("no-such-scheme://x"))


def test_track_without_the_library_says_what_to_install(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "mlflow", None)
    with pytest.raises(InvalidWorkspace, match=r"-m pip install 'mlflow-skinny>=3.17,<4'`, or set"):
        track.run(folder, telling(None))
