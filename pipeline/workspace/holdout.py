"""`splits.ledger`: the groups of queries that are held out, each in its split for ever.

One line per group, `GROUP SPLIT COMMIT`: the commit of the data set that first held it out. `pin` appends
and never removes; the file is in git, so that every clone of the workspace holds out the same rows. A
checkout can take lines out of a file; so the workspace's log repeats them, and the union of the two counts.
"""

import re
from pathlib import Path

import polars as pl

from pipeline.errors import InvalidData
from pipeline.records.log import Held
from pipeline.workspace import log, paths
from pipeline.workspace.files import write_text

_LINE = re.compile(r"([0-9a-f]{16}) (dev|test) ([0-9a-f]{40})")
_SCHEMA = {"group": pl.String, "split": pl.String, "commit": pl.String}


def read(workspace: Path) -> pl.DataFrame:
    """Read the ledger: one row per `group`, with its `split` and `commit`; no rows before the first pin.

    Raises:
        InvalidData: A line cannot be read, or names a group a second time.
    """
    rows: list[tuple[str, str, str]] = []
    seen: dict[str, int] = {}
    path = workspace / paths.LEDGER
    for number, line in enumerate(_lines(path), start=1):
        match = _LINE.fullmatch(line)
        if match is None:
            raise InvalidData(
                f"line {number} of {path} is {line[:80]!r}; wanted GROUP SPLIT COMMIT: 16 "
                "hexadecimal digits, dev or test, 40 hexadecimal digits. "
                f"Restore it with `git checkout {paths.LEDGER}`"
            )
        group, split, commit = match.groups()
        if group in seen:
            raise InvalidData(
                f"line {number} of {path} names the group {group} again, after line "
                f"{seen[group]}; wanted each once, because a group stands in one split for ever. "
                "Remove the later line"
            )
        seen[group] = number
        rows.append((group, split, commit))
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row")


def known(workspace: Path) -> pl.DataFrame:
    """Read ledger and log as one, shaped as `read` gives it; of two lines on a group the log's first counts.

    Raises:
        InvalidData: A line of the file is none, or names a group a second time.
        InvalidWorkspace: The workspace stands in no git repository.
    """
    logged: dict[str, list[str]] = {}
    for line in _logged(workspace):
        logged.setdefault(line.split()[0], line.split())
    rows = [logged.pop(row[0], row) for row in read(workspace).iter_rows()]
    return pl.DataFrame([*rows, *(logged[group] for group in sorted(logged))], schema=_SCHEMA, orient="row")


def keep(workspace: Path, held: pl.DataFrame, commit: str) -> None:
    """Write the union of ledger, log and newly held groups into both.

    Args:
        workspace: The folder of the ledger.
        held: `group` and `split` of each new group.
        commit: The commit of the data set that holds them out.
    """
    path = workspace / paths.LEDGER
    lines = [" ".join(row) for row in known(workspace).iter_rows()]
    if lines != _lines(path):
        write_text(path, "".join(f"{line}\n" for line in lines))
    append(workspace, held, commit)
    logged = set(_logged(workspace))
    new = tuple(line for line in _lines(path) if line not in logged)
    if new:
        log.append(workspace, Held(lines=new))


def append(workspace: Path, held: pl.DataFrame, commit: str) -> None:
    """Add the groups that are held out for the first time, sorted; what stands there already stays as it is.

    Args:
        workspace: The folder of the ledger.
        held: `group` and `split` of each new group.
        commit: The commit of the data set that holds them out.
    """
    path = workspace / paths.LEDGER
    new = sorted(f"{group} {split} {commit}" for group, split in held.select("group", "split").iter_rows())
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
