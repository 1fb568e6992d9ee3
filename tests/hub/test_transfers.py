"""What a download or upload shows of itself."""

import importlib
import io
import sys
from pathlib import Path

import pytest

from pipeline.hub import Hub, transfers
from tests.conftest import Stage
from tests.support.hubs import everything


@pytest.fixture(autouse=True)
def bars(monkeypatch: pytest.MonkeyPatch) -> None:
    """As users have it: the tests' environment turns the client's bars off."""
    for module in ("huggingface_hub.utils.tqdm", "huggingface_hub.constants"):
        monkeypatch.setattr(sys.modules[module], "HF_HUB_DISABLE_PROGRESS_BARS", None)


def test_small_download_shows_nothing(
    hub: Hub, writer: Stage, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):  # the second finds everything in the cache
        hub.download("tester/tiny", "model", writer.base, everything, cache=tmp_path)
    assert capfd.readouterr() == ("", "")


def test_large_download_is_a_line_in_a_log_and_nothing_once_it_is_there(
    hub: Hub,
    writer: Stage,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(transfers, "_LARGE_BYTES", 1)
    for _ in range(2):
        hub.download("tester/tiny", "model", writer.base, everything, cache=tmp_path)
    said = capfd.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == ["downloads 0 MB of model tester/tiny"]


def test_large_download_draws_one_bar_on_a_terminal(
    hub: Hub, writer: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    importlib.import_module("pipeline.embedding.loading")  # which has transformers draw none
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(transfers, "_LARGE_BYTES", 1)
    hub.download("tester/tiny", "model", writer.base, everything, cache=tmp_path)
    line, drawn = terminal.getvalue().split("\n", 1)
    assert line == "downloads 0 MB of model tester/tiny"
    assert "100%" in drawn
    assert not any(word in drawn for word in ("Fetching", "Reconstruct", "Downloading", "complete"))


@pytest.mark.parametrize("large", [False, True])
def test_upload_shows_a_line_in_a_log_where_it_is_large(
    hub: Hub,
    tuned: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    large: bool,
) -> None:
    if large:
        monkeypatch.setattr(transfers, "_LARGE_BYTES", 1)
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(b"\0" * 100)
    parent = hub.info(tuned, "model").commit
    hub.commit(tuned, {weights.name: weights}, delete=[], parent=parent, message="m")
    assert capfd.readouterr() == ("", f"uploads 0 MB to model {tuned}\n" if large else "")
