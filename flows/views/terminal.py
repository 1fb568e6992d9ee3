"""What a person at a terminal sees of a run: one live line for each step, and tables at its end.

Only where stderr is a terminal and NO_COLOR is not set; what is piped stays plain lines.
"""

import atexit
import logging
import os
import re
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import colorama.initialise  # type: ignore[import-untyped]
from prefect.logging.configuration import setup_logging
from prefect.logging.handlers import PrefectConsoleHandler
from rich.console import Console
from rich.highlighter import NullHighlighter
from rich.status import Status
from rich.table import Table
from rich.text import Text

from flows.views import report
from pipeline.errors import BrokenChain
from pipeline.records import Metrics, Verdict
from pipeline.wording import checks
from pipeline.workspace import paths

_ANY_WIDTH = 10_000
# What DVC says of a stage that it starts, which is the line's name already.
_OF_DVC = re.compile(r"\w+: (?:> |Running stage )")
_SPINNER = 3  # its columns before the text, and one behind it that keeps the cursor in the line
_console: Console | None = None
_line: Status | None = None


def begin() -> None:
    """Show the steps of this process's run on its terminal, where there is one, instead of their log."""
    global _console
    if "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb":
        _begin_plain()
        return
    if not sys.stderr.isatty():
        return
    _console = Console(stderr=True)
    os.environ["PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL"] = "WARNING"  # a flow reads it again when it begins
    setup_logging()
    for handler in _prefects():
        handler.addFilter(_told_as_it_goes)
    logging.getLogger("dvc.progress").setLevel(logging.CRITICAL)  # DVC draws its bars unless it is so quiet


def _prefects() -> list[PrefectConsoleHandler]:
    return [one for one in logging.getLogger().handlers if isinstance(one, PrefectConsoleHandler)]


def _told_as_it_goes(record: logging.LogRecord) -> bool:
    """Leave out errors: Prefect says twice of a step that failed what the run's last line says."""
    return record.levelno != logging.ERROR


def _begin_plain() -> None:
    """Have the log without an escape code: Prefect has bold in it, and DVC resets colors as Python ends."""
    for handler in _prefects():
        handler.console.highlighter = NullHighlighter()
    atexit.unregister(colorama.initialise.reset_all)


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
    if _line is not None and _console is not None and not _OF_DVC.match(said):
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
    _print(console, *report.side_by_side(metrics), names=1)
    rows = [
        ["pass" if one.passed else "FAIL", *checks.row(verdict, name)]
        for name, one in sorted(verdict.checks.items(), key=lambda item: item[1].passed)
    ]
    _print(console, "Verdict", ["", "check", "found", "wanted"], rows, names=2)


def _print(console: Console, title: str, head: list[str], rows: list[list[Any]], *, names: int) -> None:
    """Print a table; where it is wider than the terminal, a line for each row.

    Args:
        console: The terminal.
        title: Above it.
        head: A word for each column.
        rows: Their cells.
        names: How many columns say what a row is about.
    """
    table = Table(title=title, title_justify="left")
    for number, name in enumerate(head):
        figures = number >= names and all(re.match(r"[-+]?\d[\d.]*$|$", str(row[number])) for row in rows)
        table.add_column(name, justify="right" if figures else "left")
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    if console.measure(table, options=console.options.update(width=_ANY_WIDTH)).maximum <= console.width:
        console.print(table)
        return
    console.print(Text(title, style="italic"))
    for row in rows:
        found = ", ".join(f"{name} {cell}" for name, cell in zip(head[names:], row[names:], strict=True))
        line = f"{' '.join(map(str, row[:names]))}: {found}"
        console.print(Text("\n".join(textwrap.wrap(line, console.width, subsequent_indent="    "))))
