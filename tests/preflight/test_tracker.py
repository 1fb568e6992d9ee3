"""What `check` and `track` say of a tracker's library."""

import sys
import tomllib
from typing import Literal

import pytest

from pipeline.errors import InvalidWorkspace
from pipeline.params.machine import TrackingParams
from pipeline.preflight import tracker
from tests.support.workspaces import PROJECT


def test_tracker_is_looked_for_before_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    how = TrackingParams(kind="mlflow", project="telecom", uri=None)
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(InvalidWorkspace, match=r"tracking.kind is mlflow, and its library is not here"):
        tracker.installed(how)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    assert tracker.installed(how) == "mlflow is installed, and is told of each candidate in project telecom"


@pytest.mark.parametrize("kind", ["mlflow", "trackio"])
def test_tracker_asks_for_what_its_extra_asks_for(kind: Literal["mlflow", "trackio"]) -> None:
    (wanted,) = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["optional-dependencies"][
        kind
    ]
    how = TrackingParams(kind=kind, project="telecom", uri=None)
    assert f"pip install '{wanted}'`" in str(tracker.missing(how, "no module"))
