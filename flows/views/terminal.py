"""What a person at a terminal sees of a run: one live line for each step, and tables at its end.

Only where stderr is a terminal and NO_COLOR is not set; what is piped stays plain lines.
"""

import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prefect.logging.configuration import setup_logging
from rich.console import Console
from rich.status import Status
from rich.table import Table
from rich.text import Text

from flows.views import report
from pipeline.errors import BrokenChain
from pipeline.records import Metrics, Verdict
from pipeline.workspace import paths

_SPINNER = 3  # its columns before the text, and one behind it that keeps the cursor in the line
_console: Console | None = None
_line: Status | None = None


def begin() -> None:
    """Show the steps of this process's run on its terminal, where there is one, instead of their log."""
    global _console
    if not sys.stderr.isatty() or "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb":
        return
    _console = Console(stderr=True)
    os.environ["PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL"] = "WARNING"  # a flow reads it again when it begins
    setup_logging()
    logging.getLogger("dvc.progress").setLevel(logging.CRITICAL)  # DVC draws its bars unless it is so quiet


@contextmanager
def step(name: str) -> Iterator[None]:
    """Show one line while a step runs, and how long it took behind it."""
    global _line
    if _console is None:
        yield
        return
    began = time.monotonic()
    with _console.status(Text(name)) as _line:
        try:
            yield
        finally:
            _line = None
    _console.print(Text(f"  {name:<9} {time.monotonic() - began:,.0f} s"))


def skipped(name: str) -> None:
    """Say of a step that nothing moved for it."""
    if _console is not None:
        _console.print(Text(f"  {name:<9} unchanged"))


def show(said: str) -> None:
    """Put something into the live line of the step that runs, cut where the terminal ends."""
    if _line is not None and _console is not None:
        text = Text(said)
        text.truncate(_console.width - _SPINNER, overflow="ellipsis")
        _line.update(text)


def tables(workspace: Path, console: Console | None = None) -> None:
    """Print the models side by side and the checks, where a terminal is there and records are."""
    console = console or _console
    if console is None:
        return
    try:
        verdict = Verdict.load(workspace / paths.RECORDS["gate"])
        metrics = Metrics.load(workspace / paths.RECORDS["evaluate"])
    except BrokenChain:
        return
    for title, head, rows in (
        report.side_by_side(metrics),
        (
            "Verdict",
            ["", "check", "found", "wanted"],
            [
                ["pass" if one.passed else "FAIL", *report.check_row(verdict, name)]
                for name, one in sorted(verdict.checks.items(), key=lambda item: item[1].passed)
            ],
        ),
    ):
        table = Table(*head, title=title, title_justify="left")
        for row in rows:
            table.add_row(*(Text(str(cell)) for cell in row))
        console.print(table)
