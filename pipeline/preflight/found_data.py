"""A data set as it stands on the Hub, read as `pin` reads it, before anybody has named its parts."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from pipeline.errors import InvalidParams
from pipeline.hub import Hub
from pipeline.stages.pin import downloads, row_process
from pipeline.stages.pin.split_files import chosen
from pipeline.stages.pin.subsets import declared, names

_FIRST_ROWS = 20_000


@dataclass(frozen=True)
class FoundData:
    """A data set at a commit.

    Attributes:
        commit: The commit.
        private: Whether it is.
        license: What its card states; None where that is nothing.
        languages: What its card states.
        subset: The subset that was read; None where it has only one.
        subsets: All of them.
        rows: Rows by split, by the data set's names.
        tables: The first rows of each split.
    """

    commit: str
    private: bool
    license: str | None
    languages: list[object]
    subset: str | None
    subsets: list[str]
    rows: Mapping[str, int]
    tables: Mapping[str, pl.DataFrame]


def find(hub: Hub, repo: str, branch: str, subset: str | None, max_workers: int) -> FoundData:
    """Fetch a data set and read its splits.

    Raises:
        HubError: The Hub was not reached, or has no such data set.
        InvalidData: It cannot be read.
        InvalidParams: It has several subsets, and none was named.
    """
    info = hub.info(repo, "dataset", branch)
    fetched = downloads.data(hub, repo, info.commit, max_workers=max_workers)
    listed, owner = fetched.pinned.files, f"data set {repo} at {info.commit[:12]}"
    several = names(fetched.folder, listed, owner)
    if subset is None and len(several) > 1 and "default" not in several:
        raise InvalidParams(
            f"{owner} has the subsets {', '.join(several)}; wanted one of them. Say it with --subset NAME"
        )
    asked = subset if subset is not None or len(several) != 1 else several[0]
    one = declared(fetched.folder, listed, owner, asked)
    splits = row_process.rows(fetched.folder, chosen(one, listed, owner), one.features, owner)
    tables: dict[str, Any] = {
        name: pl.from_arrow(part.data.table.slice(0, _FIRST_ROWS)) for name, part in splits.items()
    }
    return FoundData(
        commit=info.commit,
        private=info.private,
        license=info.license,
        languages=_languages(fetched.folder),
        subset=asked if len(several) > 1 else None,
        subsets=several,
        rows={name: part.num_rows for name, part in splits.items()},
        tables=tables,
    )


def _languages(folder: Path) -> list[object]:
    """Read what the card states; whether the card can be read at all, others have looked."""
    try:
        text = (folder / "README.md").read_text(encoding="utf-8")
        content = yaml.safe_load(text.split("---\n", 2)[1])
    except (OSError, ValueError, IndexError, yaml.YAMLError, RecursionError):
        return []
    stated = content.get("language") if isinstance(content, dict) else None
    return stated if isinstance(stated, list) else [] if stated is None else [stated]
