"""Texts of others, messages and tables as Markdown that Prefect's pages show as they stand.

Prefect has two. The older one shows an entity like `&#95;` as these letters, and takes a backslash; neither
wraps a block of code, nor the older one a table.
"""

import re
from typing import Any

# What either page takes for more than a letter, wherever it stands; and what begins a list or a heading.
_SPECIAL = re.compile(r"[\\`*_{}\[\]<>#!|~&@]|:(?=//)|(?<=www)\.")
_BEGINS = re.compile(r"^(\d*)([-+=.)])")
_LONGEST_CELL = 90
_SPACE = "\u00a0"


def plain(text: str) -> str:
    r"""Return a text, in one line, that no reader of Markdown or HTML takes for anything but letters.

    Example:
        >>> print(plain("<b>|[a](http://b)"))
        \<b\>\|\[a\](http\://b)
    """
    return _SPECIAL.sub(lambda found: f"\\{found[0]}", " ".join(text.split()))


def message(text: str) -> str:
    """Return a message of several lines, with its breaks and indents, that is wrapped where it is long."""
    lines = [line for line in text.strip().splitlines() if line.strip()]
    indents = (len(line) - len(line.lstrip()) for line in lines)
    shown = (_BEGINS.sub(r"\1\\\2", plain(line)) for line in lines)
    return "\\\n".join(_SPACE * indent + line for indent, line in zip(indents, shown, strict=True))


def cell(text: str) -> str:
    """Return a text for a table, whose cells are never wrapped: cut where it is long."""
    return plain(text if len(text) <= _LONGEST_CELL else f"{text[: _LONGEST_CELL - 1]}…")


def fenced(text: str, language: str = "") -> str:
    """Return a block of code whose fence is longer than any that the text holds."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def section(title: str, head: list[str], rows: list[list[Any]]) -> list[str]:
    """Lay out a heading and a table, with figures on the right; nothing where the table has no rows."""
    if not rows:
        return []
    rule = ["---:" if all(map(_is_figure, column)) else "---" for column in zip(*rows, strict=True)]
    table = "\n".join("| " + " | ".join(map(str, line)) + " |" for line in [head, rule, *rows])
    return [f"## {title}", table]


def _is_figure(value: object) -> bool:
    return re.fullmatch(r"[-+]?[\d,.]*%?", str(value)) is not None
