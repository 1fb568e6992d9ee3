"""What a person at a terminal sees, as text."""

import io
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from flows.views import terminal
from pipeline.workspace import paths
from pipeline.workspace.files import write_text
from tests.support import sealed
from tests.support.records import METRICS
from tests.support.workspaces import PROJECT


def test_terminal_that_is_none_shows_nothing(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    terminal.begin()
    with terminal.step("train"):
        terminal.show("train: 1 of 2")
    terminal.tables(tmp_path)
    assert capfd.readouterr() == ("", "")


def test_terminal_has_a_line_for_each_step(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = io.StringIO()
    monkeypatch.setattr(terminal, "_console", Console(file=seen, force_terminal=True, width=100))
    with terminal.step("train"):
        terminal.show("train: Running stage 'train':")
        terminal.show("train: > python -m pipeline train")
        terminal.show("train: 1 of 2 steps, loss 0.5000")
    assert "Running" not in seen.getvalue()
    assert "> python" not in seen.getvalue()
    assert "1 of 2 steps, loss 0.5000" in seen.getvalue()
    assert seen.getvalue().rstrip().endswith("train     0 s")


def test_terminal_has_one_line_whatever_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = io.StringIO()
    monkeypatch.setattr(terminal, "_console", Console(file=seen, force_terminal=True, width=40))
    with terminal.step("pin"):
        terminal.show("pin: " + "four " * 40)
    assert seen.getvalue().count("\x1b[1A") == 1  # one line is taken back, not several


def test_terminal_says_what_was_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = io.StringIO()
    monkeypatch.setattr(terminal, "_console", Console(file=seen, width=40))
    terminal.skipped("pin")
    assert seen.getvalue() == "  pin       unchanged\n"


BEGUN = """
import logging
from prefect.logging.configuration import setup_logging
from flows import steps  # DVC among it
from flows.views import terminal
terminal.begin()
setup_logging()  # as a flow does when it begins
logging.getLogger("prefect.flows").info("not this")
logging.getLogger("prefect.flows").warning("but this")
logging.getLogger("prefect.flows").error("nor what the step's last line says")
from dvc.progress import Tqdm
Tqdm(total=1, desc="nor a bar").update()
"""


def on_terminal(code: str, **env: str) -> str:
    """Run Python at a terminal; returns what is written to it."""
    ours, theirs = pty.openpty()
    inherited = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    command = [sys.executable, "-c", code]
    given = inherited | {"TERM": "xterm"} | env
    subprocess.run(command, cwd=PROJECT, env=given, stdout=theirs, stderr=theirs, check=True, timeout=60)
    seen = os.read(ours, 1 << 16).decode()
    os.close(ours)
    os.close(theirs)
    return seen


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_terminal_that_wants_none_gets_no_escape_codes(env: dict[str, str]) -> None:
    said = "Beginning flow run 'a' for flow 'retrain'"
    seen = on_terminal(BEGUN.replace("not this", said), **env)
    assert said in seen
    assert "\x1b" not in seen


def test_terminal_is_the_live_lines_alone() -> None:
    seen = on_terminal(BEGUN)
    assert "but this" in seen
    assert "not this" not in seen
    assert "nor a bar" not in seen
    assert "nor what the step's last line says" not in seen


def test_terminal_shows_models_and_verdict_as_tables(tmp_path: Path) -> None:
    seen = io.StringIO()
    terminal.tables(tmp_path, Console(file=seen, width=120))
    assert seen.getvalue() == ""  # no records yet
    bad = {"value": 0.8, "rule": ">=", "wanted": 0.9, "passed": False}
    checks = {"floor_32": {**bad, "passed": True}, "slice.[red]x": bad}
    write_text(tmp_path / paths.RECORDS["gate"], sealed.verdict("c" * 64, checks=checks).dump())
    write_text(tmp_path / paths.RECORDS["evaluate"], METRICS.read_text("utf-8"))
    terminal.tables(tmp_path, Console(file=seen, width=120))
    text = seen.getvalue()
    assert "Base, live, best, new: " in text
    assert text.index("FAIL") < text.index("pass ")
    assert "slice.[red]x" in text  # no markup of rich's


def test_terminal_that_is_narrow_gets_lines_for_tables(tmp_path: Path) -> None:
    check = {"value": 0.8, "rule": ">=", "wanted": 0.9, "passed": False}
    write_text(tmp_path / paths.RECORDS["gate"], sealed.verdict("c" * 64, checks={"floor_32": check}).dump())
    write_text(tmp_path / paths.RECORDS["evaluate"], METRICS.read_text("utf-8"))
    seen = io.StringIO()
    terminal.tables(tmp_path, Console(file=seen, width=40))
    lines = seen.getvalue().splitlines()
    at = lines.index("nDCG@10 at 384: base 0.3743, live")
    assert lines[at + 1] == "    0.9117, best 0.9117, new 0.9081"
    at = lines.index("FAIL triplet accuracy at 32: found")
    assert lines[at + 1] == "    0.8000, wanted at least 0.9"
    assert all(len(line) <= 40 for line in lines)
