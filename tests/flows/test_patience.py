from itertools import islice
from pathlib import Path

import pytest

from flows import patience
from tests.support.workspaces import set_params


def test_patience_grows_from_where_the_steps_own_tries_stopped_to_half_an_hour(toy: Path) -> None:
    set_params(toy, {"hub.backoff_seconds": 1.0, "hub.retries": 4, "hub.patience_hours": 24})
    assert list(islice(patience.pauses(toy), 9)) == [16, 32, 64, 128, 256, 512, 1024, 1800, 1800]


def test_patience_ends(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_params(toy, {"hub.backoff_seconds": 100.0, "hub.retries": 0, "hub.patience_hours": 0.1})
    clock = iter([0.0, 0.0, 100.0, 300.0, 360.0])
    monkeypatch.setattr(patience, "monotonic", lambda: next(clock))
    assert list(patience.pauses(toy)) == [100, 200, 60]


def test_patience_of_none_is_none(toy: Path) -> None:
    set_params(toy, {"hub.patience_hours": 0})
    assert list(patience.pauses(toy)) == []


def test_patience_needs_params(toy: Path) -> None:
    (toy / "params.yaml").write_text("hub: 3", "utf-8")
    assert list(patience.pauses(toy)) == []
