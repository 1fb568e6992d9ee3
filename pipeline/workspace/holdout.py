"""`splits.ledger`: the groups of queries that are held out, each in its split for ever.

One line per group, `GROUP SPLIT COMMIT FOLDING`: the commit of the data set that first held it out, and how
the text was folded whose hash the group is; lines of before foldings were named are Turkish. With several
foldings a group has a line for each. `pin` appends and never removes; the file is in git, so that every clone
of the workspace holds out the same rows. A checkout can take lines out of a file; so the workspace's log
repeats them, and the union of the two counts.
"""

import re
from pathlib import Path

import polars as pl

from pipeline.errors import InvalidData
from pipeline.records.log import Held
from pipeline.records.names import UNNAMED_FOLDING
from pipeline.workspace import log, paths
from pipeline.workspace.files import write_text

_LINE = re.compile(r"([0-9a-f]{16}) (dev|test) ([0-9a-f]{40})(?: ([a-z]{2,3}))?")
_SCHEMA = {"group": pl.String, "split": pl.String, "commit": pl.String, "folding": pl.String}


def read(workspace: Path) -> pl.DataFrame:
    """Read the ledger: one row per line, `group`, `split`, `commit` and `folding`; none before the first pin.

    Raises:
        InvalidData: A line cannot be read, or names a group a second time.
    """
    return _table(_checked(workspace))


def _checked(workspace: Path) -> dict[tuple[str, str], str]:
    """Return the file's lines by group and folding, in their order."""
    lines: dict[tuple[str, str], str] = {}
    seen: dict[tuple[str, str], int] = {}
    path = workspace / paths.LEDGER
    for number, line in enumerate(_lines(path), start=1):
        match = _LINE.fullmatch(line)
        if match is None:
            raise InvalidData(
                f"line {number} of {path} is {line[:80]!r}; wanted GROUP SPLIT COMMIT FOLDING: "
                "16 hexadecimal digits, dev or test, 40 hexadecimal digits, a language or nothing. "
                f"Restore it with `git checkout {paths.LEDGER}`"
            )
        key = _key(line)
        if key in seen:
            raise InvalidData(
                f"line {number} of {path} names the group {key[0]} again, after line "
                f"{seen[key]}; wanted each once, because a group stands in one split for ever. "
                "Remove the later line"
            )
        seen[key], lines[key] = number, line
    return lines


def _key(line: str) -> tuple[str, str]:
    group, _, _, *folding = line.split()
    return group, folding[0] if folding else UNNAMED_FOLDING


def _table(lines: dict[tuple[str, str], str]) -> pl.DataFrame:
    rows = [(group, *line.split()[1:3], folding) for (group, folding), line in lines.items()]
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row")


def known(workspace: Path) -> pl.DataFrame:
    """Read ledger and log as one, shaped as `read` gives it; of two lines on a group the log's first counts.

    Raises:
        InvalidData: A line of the file is none, or names a group a second time.
        InvalidWorkspace: The workspace stands in no git repository.
    """
    return _table(_union(workspace))


def _union(workspace: Path) -> dict[tuple[str, str], str]:
    """Return the lines of both by group and folding: those of the file, then those that only the log has."""
    logged: dict[tuple[str, str], str] = {}
    for line in _logged(workspace):
        logged.setdefault(_key(line), line)
    # In the log's order, not sorted: which folding came first must stay.
    return {key: logged.pop(key, line) for key, line in _checked(workspace).items()} | logged


def keep(workspace: Path, held: pl.DataFrame, commit: str) -> None:
    """Write the union of ledger, log and newly held groups into both.

    Args:
        workspace: The folder of the ledger.
        held: `group`, `split` and `folding` of each new group.
        commit: The commit of the data set that holds them out.
    """
    path = workspace / paths.LEDGER
    lines = list(_union(workspace).values())
    if lines != _lines(path):
        write_text(path, "".join(f"{line}\n" for line in lines))
    append(workspace, held, commit)
    logged = set(_logged(workspace))
    new = tuple(line for line in _lines(path) if line not in logged)
    if new:
        log.append(workspace, Held(lines=new))


def append(workspace: Path, held: pl.DataFrame, commit: str) -> None:
    """Add the groups that are held out for the first time; what stands there already stays as it is.

    They are sorted, one folding after the other, in the order in which the foldings come.

    Args:
        workspace: The folder of the ledger.
        held: `group`, `split` and `folding` of each new group.
        commit: The commit of the data set that holds them out.
    """
    path = workspace / paths.LEDGER
    foldings = held["folding"].unique(maintain_order=True).to_list()
    rows = held.select("folding", "group", "split").iter_rows()
    new = [
        f"{group} {split} {commit} {folding}"
        for folding, group, split in sorted(rows, key=lambda row: (foldings.index(row[0]), row[1]))
    ]
    if new or not path.exists():
        write_text(path, "".join(f"{line}\n" for line in [*_lines(path), *new]))


def _logged(workspace: Path) -> list[str]:
    """Return the lines that the log holds, oldest first."""
    entries = log.entries(workspace).values()
    return [line for entry in entries if isinstance(entry.what, Held) for line in entry.what.lines]


def _lines(path: Path) -> list[str]:
    if not path.exists():
        return []
    lines = path.read_bytes().decode("utf-8", errors="replace").split("\n")
    return lines if lines[-1] else lines[:-1]
