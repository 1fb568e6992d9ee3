"""`splits.ledger`: the groups of queries that are held out, each in its split for ever.

One line per group, `GROUP SPLIT COMMIT`: the commit of the data set that first held it out. `pin` appends
and never removes; the file is in git, so that every clone of the workspace holds out the same rows.
"""

import re
from pathlib import Path

import polars as pl

from pipeline.errors import InvalidData
from pipeline.workspace import paths
from pipeline.workspace.files import write_text

_LINE = re.compile(r"([0-9a-f]{16}) (dev|test) ([0-9a-f]{40})")
_SCHEMA = {"group": pl.String, "split": pl.String, "commit": pl.String}


def read(workspace: Path) -> pl.DataFrame:
    """Read the ledger: one row per `group`, with its `split` and `commit`; no rows before the first pin.

    Raises:
        InvalidData: A line is none, or names a group a second time.
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


def _lines(path: Path) -> list[str]:
    if not path.exists():
        return []
    lines = path.read_bytes().decode("utf-8", errors="replace").split("\n")
    return lines if lines[-1] else lines[:-1]
