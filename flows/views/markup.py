"""Texts of others, messages and tables as Markdown that Prefect's pages show as they stand.

Prefect has two. The older one shows an entity like `&#95;` as these letters, and takes a backslash; neither
wraps a block of code, nor the older one a table: it hides what is wider than the page.
"""

import re
from itertools import zip_longest
from typing import Any

# What either page takes for more than a letter, wherever it stands; and what begins a list or a heading.
_SPECIAL = re.compile(r"[\\`*_{}\[\]<>#!|~&@]|:(?=//)|(?<=www)\.")
_BEGINS = re.compile(r"^(\d*)([-+=.)])")
_LONGEST_CELL = 90
# What the older page gives a table in a window of 1,280 points, and what a letter and a column take of it.
_POINTS, _OF_LETTER, _OF_COLUMN = 705.0, 7.3, 24.0
_TABLE = re.compile(r"^\|.*\n\|[-:| ]+\|\n(?:\|.*(?:\n|\Z))+", re.MULTILINE)
_CELLS = re.compile(r"(?<!\\)\|")
_UNSEEN = re.compile(r"\[([^\]]*)\]\([^)]*\)|[\\`*]")
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
    """Lay out a heading and a table that fits, figures on the right; nothing where the table has no rows."""
    if not rows:
        return []
    rule = ["---:" if all(map(_is_figure, column)) else "---" for column in zip(*rows, strict=True)]
    table = "\n".join("| " + " | ".join(map(str, line)) + " |" for line in [head, rule, *rows])
    return [f"## {title}", narrow(f"{table}\n").rstrip("\n")]


def _is_figure(value: object) -> bool:
    return re.fullmatch(r"[-+]?[\d,.]*%?", str(value)) is not None


def narrow(markdown: str) -> str:
    """Return Markdown whose tables the older page shows whole, in a window of 1,280 points.

    A table that is wider comes in pieces, with its first column in each; where that is no help, as a list.
    """
    return _TABLE.sub(lambda found: _narrowed(found[0]), markdown)


def _narrowed(table: str) -> str:
    lines = [[cell.strip() for cell in _CELLS.split(line)[1:-1]] for line in table.strip().split("\n")]
    columns = list(zip_longest(*lines, fillvalue=""))
    widths = [_OF_COLUMN + _OF_LETTER * max(map(_letters, (head, *cells))) for head, _, *cells in columns]
    if sum(widths) <= _POINTS:
        return table
    if widths[0] + max(widths[1:], default=0.0) > _POINTS:
        return _listed(lines[0], lines[2:])
    pieces, room = [[columns[0]]], _POINTS - widths[0]
    for column, width in zip(columns[1:], widths[1:], strict=True):
        if width > room:
            pieces.append([columns[0]])
            room = _POINTS - widths[0]
        pieces[-1].append(column)
        room -= width
    return "\n".join("".join(map(_row, zip(*piece, strict=True))) for piece in pieces)


def _row(cells: tuple[str, ...]) -> str:
    return f"|{'|'.join(f' {cell} ' if cell else ' ' for cell in cells)}|\n"


def _listed(head: list[str], rows: list[list[str]]) -> str:
    """Return each row as its first cell, and below what stands beside it."""
    found = []
    for first, *others in rows:
        below = [f"{name}: {cell}" if name else cell for name, cell in zip(head[1:], others, strict=False)]
        found += [f"- **{first}**" if first else "-", *(f"  - {line}" for line in below if line)]
    return "\n".join(found) + "\n"


def _letters(cell: str) -> int:
    """Return how many letters are seen of a cell."""
    return len(_UNSEEN.sub(lambda found: found[1] or "", cell))
