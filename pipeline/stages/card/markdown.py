"""Text that shows in Markdown as it is, and can do nothing there."""

import json
import re

from pipeline.records import RepoRef
from pipeline.wording.words import plain

# Would end a word of prose or a cell, or begin something else.
_SIGNS = "\\`*_{}[]#!|~$"


def cell(text: str) -> str:
    """Escape a text for prose or for a cell of a table."""
    shown = plain(text)
    for sign in _SIGNS:
        shown = shown.replace(sign, f"\\{sign}")
    if shown.startswith("+"):
        shown = f"\\{shown}"  # a bullet, where the text begins a line; elsewhere it is a plus
    return shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def decimal(value: float | str | bool | None) -> str:
    """Show a number with four decimals, and None as a dash."""
    return "-" if value is None else f"{value:.4f}" if isinstance(value, float) else str(value)


def inline(value: object) -> str:
    """Show a value as code within a line, as JSON; a text in it cannot end the code."""
    shown = plain(json.dumps(value, ensure_ascii=False))
    longest = max((len(run) for run in re.findall(r"`+", shown)), default=0)
    fence = "`" * (longest + 1)
    space = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{space}{shown}{space}{fence}"


def link(address: str, pinned: RepoRef) -> str:
    """Link a repository and its commit; the names of both hold no sign of Markdown that a link minds.

    Args:
        address: Of the Hub, and of data sets `ENDPOINT/datasets`.
        pinned: The repository.
    """
    at = f"{address}/{pinned.repo}"
    return f"[{pinned.repo}]({at}) at [{pinned.revision[:7]}]({at}/tree/{pinned.revision})"


def fenced(text: str) -> str:
    """Return lines that stand in a block of code and cannot end it."""
    return re.sub(r"`{3,}", lambda run: "\u200b".join(run[0]), text)


def pretty(value: object) -> str:
    """Return JSON over several lines."""
    return json.dumps(value, indent=2, ensure_ascii=False)
