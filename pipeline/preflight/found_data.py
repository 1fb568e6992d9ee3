"""A data set as it stands on the Hub, before anybody has named its parts: its README and its first rows."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from pipeline.errors import InvalidParams
from pipeline.hub import Hub, ListedFile
from pipeline.params.pin import LimitParams
from pipeline.preflight import first_rows, resources
from pipeline.preflight.first_rows import Beginning
from pipeline.stages.pin import downloads
from pipeline.stages.pin.tables import row_process
from pipeline.stages.pin.tables.split_files import SplitFiles, chosen
from pipeline.stages.pin.tables.subsets import DESCRIPTIONS, by_default, declared, names


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
        rows: Rows by split, by the data set's names; of one that was not read to its end, about so many.
        tables: The first rows of each split.
        read: What was read of it, in words.
        listed: Its files.
    """

    commit: str
    private: bool
    license: str | None
    languages: list[object]
    subset: str | None
    subsets: list[str]
    rows: Mapping[str, int]
    tables: Mapping[str, pl.DataFrame]
    read: str
    listed: Mapping[str, ListedFile]


def find(
    hub: Hub,
    repo: str,
    branch: str,
    subset: str | None,
    choose: Callable[[Sequence[str]], str | None],
    limits: LimitParams,
) -> FoundData:
    """Read the beginning of a data set's splits.

    Args:
        hub: The Hub.
        repo: The data set.
        branch: Of it.
        subset: One of its subsets; None takes the only one, or its default.
        choose: Asks somebody for one of several subsets; None where nobody is there.
        limits: What its files may ask of this machine.

    Raises:
        HubError: The Hub was not reached, or has no such data set.
        InvalidData: It cannot be read.
        InvalidParams: It has several subsets, and none was named.
    """
    info = hub.info(repo, "dataset", branch)
    owner = f"data set {repo} at {info.commit[:12]}"
    listed = hub.files(repo, "dataset", info.commit)
    downloads.refuse_scripts(listed, owner)
    with tempfile.TemporaryDirectory(prefix="katman-first-rows-") as name:
        folder = _described(hub, repo, info.commit, listed, Path(name))
        several = names(folder, listed, owner)
        if subset is None and len(several) > 1:
            subset = by_default(folder, listed, owner) or choose(several)
            if subset is None:
                raise InvalidParams(
                    f"{owner} has the subsets {', '.join(several)}; wanted one of them. Say it with "
                    "--subset NAME"
                )
        one = declared(folder, listed, owner, subset)
        files = chosen(one, listed, owner)
        begun = first_rows.fetch(hub, repo, info.commit, listed, files, Path(name))
        first = replace(files, files={split: part.files for split, part in begun.items()})
        splits = row_process.rows(Path(name), first, one.features, owner, limits)
        tables: dict[str, Any] = {
            split: pl.from_arrow(part.data.table.slice(0, first_rows.MOST_ROWS))
            for split, part in splits.items()
        }
        stated = one.rows or {}
        return FoundData(
            commit=info.commit,
            private=info.private,
            license=info.license,
            languages=_languages(folder),
            subset=one.name if len(several) > 1 else None,
            subsets=several,
            rows={
                split: begun[split].rows(part.num_rows, stated.get(split)) for split, part in splits.items()
            },
            tables=tables,
            read=_said(begun, files),
            listed=listed,
        )


def _described(hub: Hub, repo: str, commit: str, listed: Mapping[str, ListedFile], empty: Path) -> Path:
    """Fetch what describes a data set, and return the folder that holds it."""
    wanted = DESCRIPTIONS & set(listed)
    return hub.download(repo, "dataset", commit, wanted.__contains__)[0] if wanted else empty


def _said(begun: Mapping[str, Beginning], files: SplitFiles) -> str:
    parts = [
        f"{split} ({resources.shown(part.read)} of {resources.shown(part.size)}, "
        f"{len(part.files)} of {len(files.files[split])} files)"
        if part.read < part.size
        else f"{split} ({resources.shown(part.size)})"
        for split, part in begun.items()
    ]
    return f"its README and {', '.join(parts)}"


def _languages(folder: Path) -> list[object]:
    """Read what the card states; whether the card can be read at all, others have looked."""
    try:
        text = (folder / "README.md").read_text(encoding="utf-8")
        content = yaml.safe_load(text.split("---\n", 2)[1])
    except (OSError, ValueError, IndexError, yaml.YAMLError, RecursionError):
        return []
    stated = content.get("language") if isinstance(content, dict) else None
    return stated if isinstance(stated, list) else [] if stated is None else [stated]
