"""What a data set declares of itself, in its README's front matter: taken as plain data and nothing else."""

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pipeline.errors import InvalidData, first_line
from pipeline.stages.pin.tables.plain_data import plain

# Where huggingface_hub looks for the front matter.
_FRONT_MATTER = re.compile(r"^\s*---(?:\r\n|\r|\n)([\S\s]*?)(?:\r\n|\r|\n)---[ \t]*(?:\r\n|\n|$)")
_README, _STANDALONE, _LEGACY = "README.md", ".huggingface.yaml", "dataset_infos.json"
# The files in which a data set describes itself.
DESCRIPTIONS = frozenset({_README, _STANDALONE, _LEGACY})
_SPLIT = re.compile(r"\w+(\.\w+)*")


@dataclass(frozen=True)
class Subset:
    """One subset (`config`) of a data set, as declared.

    Attributes:
        name: Name of the subset; `default` where the data set declares none.
        folder: Paths count from here (`data_dir`).
        patterns: Of files, by split; None where the names of the files say it.
        options: Every other key of the README's entry.
        features: Columns and types, in `datasets`' notation; None where the files say it.
        rows: How many rows each split should have, where that is declared.
        in_readme: The README has an entry for it under `configs`.
        stated: The data set names it somewhere.
    """

    name: str = "default"
    folder: str = ""
    patterns: Mapping[str, list[str]] | None = None
    options: Mapping[str, Any] | None = None
    features: Any = None
    rows: Mapping[str, int] | None = None
    in_readme: bool = False
    stated: bool = False


def declared(folder: Path, listed: Collection[str], owner: str, name: str | None = None) -> Subset:
    """Read one subset of a data set.

    Args:
        folder: The data set's files.
        listed: Paths of those that its commit lists; no other is read.
        owner: The data set's name and commit, for messages.
        name: The subset; None takes the only one, or the default.

    Raises:
        InvalidData: There is no such subset, or there are several and no default, or what is declared is no
            plain data.
    """
    content, infos = _content(folder, listed, owner)
    entries = _entries(content, owner)
    if name is not None and name not in {*entries, *infos}:
        raise InvalidData(
            f"{owner} has {_listed({*entries, *infos})}; wanted {name!r} among them. Correct dataset.subset"
        )
    if name is None and entries:
        name = _default(entries, infos, owner)
    elif name is None:
        name = next(iter(infos)) if len(infos) == 1 else "default"
    entry = plain(entries.get(name, {}), owner)
    info = plain(infos.get(name, {}), owner)
    data_dir = entry.pop("data_dir", None)
    if not isinstance(data_dir, str | None):
        raise InvalidData(f"{owner} declares data_dir as {_short(data_dir)}; wanted a folder's path")
    return Subset(
        name,
        data_dir or "",
        _patterns(entry.pop("data_files", None), owner),
        {key: value for key, value in entry.items() if key not in {"config_name", "default"}},
        info.get("features"),
        _rows(info.get("splits")),
        name in entries,
        name in {*entries, *infos},
    )


def by_default(folder: Path, listed: Collection[str], owner: str) -> str | None:
    """Return the subset that is read where none is named; None where there are several and no default.

    Raises:
        InvalidData: What is declared is no plain data.
    """
    content, infos = _content(folder, listed, owner)
    found = _defaults(_entries(content, owner), infos)
    return found[0] if len(found) == 1 else None


def names(folder: Path, listed: Collection[str], owner: str) -> list[str]:
    """List the subsets that a data set declares; none where it has only one without a name.

    Raises:
        InvalidData: What is declared is no plain data.
    """
    content, infos = _content(folder, listed, owner)
    return sorted({*_entries(content, owner), *infos})


def _content(folder: Path, listed: Collection[str], owner: str) -> tuple[dict[Any, Any], dict[str, Any]]:
    """Read the front matter, and what it or the file that older data sets have says of each subset."""
    content: dict[Any, Any] = {}
    infos: dict[str, Any] = {}
    try:
        if _README in listed:
            found = _FRONT_MATTER.search((folder / _README).read_bytes().decode())
            content |= (yaml.safe_load(found[1]) if found else None) or {}
        if _STANDALONE in listed:
            content |= yaml.safe_load((folder / _STANDALONE).read_bytes().decode()) or {}
        if _LEGACY in listed:
            infos |= json.loads((folder / _LEGACY).read_bytes())
            infos = {"default": next(iter(infos.values()))} if len(infos) == 1 else infos
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise InvalidData(
            f"{owner} has front matter in {_README} that cannot be read: {type(error).__name__}: "
            f"{first_line(error)}; wanted keys and values in YAML. Pin a commit whose README the Hub reads"
        ) from None
    stated = content.get("dataset_info")
    for info in stated if isinstance(stated, list) else [stated]:
        if isinstance(info, dict):
            infos[str(info.get("config_name", "default"))] = info
    return content, infos


def _entries(content: Mapping[Any, Any], owner: str) -> dict[str, dict[Any, Any]]:
    entries = content.get("configs") or []
    if not isinstance(entries, list) or not all(
        isinstance(one, dict) and isinstance(one.get("config_name"), str) for one in entries
    ):
        raise InvalidData(
            f"{owner} declares configs that are no list of entries with a config_name each. "
            "Pin a commit whose README the Hub reads"
        )
    return {one["config_name"]: one for one in entries}


def _defaults(entries: Mapping[str, Mapping[Any, Any]], infos: Mapping[str, Any]) -> list[str]:
    found = [
        name
        for name, entry in entries.items()
        if len(entries) == 1 or name == "default" or entry.get("default")
    ]
    if not found and len(infos) == 1:
        found = [name for name in infos if name in entries]
    return found


def _default(entries: Mapping[str, Mapping[Any, Any]], infos: Mapping[str, Any], owner: str) -> str:
    defaults = _defaults(entries, infos)
    if len(defaults) != 1:
        raise InvalidData(
            f"{owner} has {_listed(entries)}, and {len(defaults) or 'none'} of them by default; wanted one. "
            "Name it in dataset.subset"
        )
    return defaults[0]


def _patterns(data_files: Any, owner: str) -> dict[str, list[str]] | None:
    """Return declared files by split, in whichever of the README's notations they are."""
    if data_files is None:
        return None
    found: list[tuple[Any, Any]] = []
    if isinstance(data_files, dict):
        found = list(data_files.items())
    elif isinstance(data_files, list) and any(isinstance(one, dict) for one in data_files):
        found = [
            (one["split"], one["path"])
            if isinstance(one, dict) and set(one) == {"split", "path"}
            else (one, one)
            for one in data_files
        ]
    else:
        found = [("train", data_files)]
    splits: dict[str, list[str]] = {}
    for split, paths in found:
        several = paths if isinstance(paths, list) else [paths]
        if (
            not isinstance(split, str)
            or not _SPLIT.fullmatch(split)
            or split in splits
            or not all(isinstance(path, str) for path in several)
        ):
            raise InvalidData(
                f"{owner} declares data_files with the entry {_short(split)}: {_short(paths)}; wanted a "
                "path, a list of paths, or a list of `split` and `path` with each split once. "
                "Pin a commit that has one of these"
            )
        splits[split] = several
    return splits


def _rows(splits: Any) -> dict[str, int]:
    entries = (
        list(splits.values()) if isinstance(splits, dict) else splits if isinstance(splits, list) else []
    )
    return {
        str(one.get("name")): one["num_examples"]
        for one in entries
        if isinstance(one, dict) and isinstance(one.get("num_examples"), int)
    }


def _listed(subsets: Collection[str]) -> str:
    """Name subsets, the first of many."""
    names = [_short(name) for name in sorted(subsets)]
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""
    return f"the subsets {', '.join(names[:20])}{more}" if names else "no subsets (configs)"


def _short(value: Any) -> str:
    return repr(value)[:80]
