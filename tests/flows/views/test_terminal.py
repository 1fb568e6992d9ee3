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
        terminal.show("train: 1 of 2 steps, loss 0.5000")
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
from flows import terminal
terminal.begin()
setup_logging()  # as a flow does when it begins
logging.getLogger("prefect.flows").info("not this")
logging.getLogger("prefect.flows").warning("but this")
from dvc.progress import Tqdm
Tqdm(total=1, desc="nor a bar").update()
"""


def test_terminal_is_the_live_lines_alone() -> None:
    ours, theirs = pty.openpty()
    env = {name: value for name, value in os.environ.items() if name != "NO_COLOR"} | {"TERM": "xterm"}
    subprocess.run([sys.executable, "-c", BEGUN], cwd=PROJECT, env=env, stderr=theirs, check=True, timeout=60)
    seen = os.read(ours, 1 << 16).decode()
    os.close(ours)
    os.close(theirs)
    assert "but this" in seen
    assert "not this" not in seen
    assert "nor a bar" not in seen


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
