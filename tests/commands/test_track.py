"""A candidate told to a real MLflow, in a file."""

from pathlib import Path
from typing import Any

import pytest

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


def telling(uri: str | None, **changes: Any) -> Params:
    how = TrackingParams(kind="mlflow", project="telecom", uri=uri)
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
    with pytest.raises(InvalidWorkspace, match="pip install mlflow-skinny"):
        track.run(folder, telling(None))
