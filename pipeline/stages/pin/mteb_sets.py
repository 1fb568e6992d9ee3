"""Tasks of mteb: each one's data set, read as the line's own is and written out anew for mteb to read.

mteb loads `load_dataset(repository, subset)`. What it gets is a folder with a README of this project's own,
which names Parquet files beside it and nothing else; the repository's README and files are read as
`rows.load` reads them, so that no option, path or address of theirs reaches mteb.
"""

import math
import shutil
import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import yaml
from numpy.typing import NDArray

from pipeline.errors import InvalidData, InvalidParams
from pipeline.hub import Hub
from pipeline.isolated import mteb_process
from pipeline.isolated.mteb_process import Description, Mteb
from pipeline.params import Params
from pipeline.params.pin import MtebProbe, PinParams
from pipeline.records import MtebTask, PinnedRepo, RepoRef
from pipeline.stages.pin import downloads
from pipeline.stages.pin.tables import rows
from pipeline.stages.pin.tables.rows import Loaded
from pipeline.stages.pin.tables.split_files import chosen
from pipeline.stages.pin.tables.subsets import DESCRIPTIONS, declared, names

_WIDTH = 8


@dataclass(frozen=True)
class TaskSet:
    """One task whose data set was fetched, written out and scored once.

    Attributes:
        pinned: The repository of the data set.
        task: What mteb says of the task, and what of it is asked for.
        folder: What was written.
    """

    pinned: PinnedRepo
    task: MtebTask
    folder: Path


def asked_for(params: Params) -> dict[str, MtebProbe]:
    """Return the probes that are tasks of mteb, by name."""
    return {name: one for name, one in params.probes.items() if isinstance(one, MtebProbe)}


def described(probes: Mapping[str, MtebProbe]) -> dict[str, tuple[RepoRef, MtebTask]]:
    """Return each probe's task and data set, by the probe's name.

    Raises:
        InvalidWorkspace: mteb is not installed.
        InvalidParams: mteb has no such task, or the task no such subset.
    """
    if not probes:
        return {}
    with mteb_process.running() as mteb:
        return {name: _described(mteb, f"probes.{name}", asked)[:2] for name, asked in probes.items()}


def fetch(
    hub: Hub, probes: Mapping[str, MtebProbe], room: Path, pin: PinParams, threads: int | None
) -> dict[str, TaskSet]:
    """Fetch the data set of each task, and have mteb score it on vectors drawn at random.

    So what mteb cannot read is found before anything is trained.

    Args:
        hub: The Hub.
        probes: By name.
        room: An empty folder, in which a folder for each is made.
        pin: Downloads at a time, and what the files may ask of this machine.
        threads: Of mteb's process.

    Raises:
        InvalidWorkspace: mteb is not installed.
        InvalidParams: mteb has no such task, or the task no such subset.
        InvalidData: The data set holds code, cannot be read, or is not what the task reads.
    """
    if not probes:
        return {}
    with mteb_process.running(threads) as mteb:
        return {
            name: _fetch(hub, mteb, f"probes.{name}", asked, room / name, pin)
            for name, asked in probes.items()
        }


def said(repo: RepoRef, task: MtebTask) -> str:
    """Say in a line what a probe is scored on, and where that is not what mteb names."""
    at = f"{task.name} of mteb {task.version} on {repo.repo} at {repo.revision[:12]}"
    if repo.repo != task.own.repo:
        return f"{at}; mteb names {task.own.repo} for it"
    return at if repo.revision == task.own.revision else f"{at}; mteb names {task.own.revision[:12]} of it"


def _described(mteb: Mteb, key: str, asked: MtebProbe) -> tuple[RepoRef, MtebTask, Description]:
    found = mteb.describe(asked.task, key)
    unknown = [one for one in asked.subsets or () if one not in found.subsets]
    if unknown:
        raise InvalidParams(
            f"{key}.subsets names {', '.join(unknown)}; wanted subsets that mteb's task {found.name} has: "
            f"{', '.join(found.subsets)}. Correct that, or leave it out for all of them"
        )
    subsets, splits = asked.subsets or found.subsets, asked.splits or found.splits
    whole = set(subsets) == set(found.subsets) and set(splits) == set(found.splits)
    task = MtebTask(
        name=found.name,
        kind=found.kind,
        metric=found.metric,
        subsets=subsets,
        splits=splits,
        whole=whole,
        own=RepoRef(repo=found.repo, revision=found.revision),
        version=mteb_process.installed(),
    )
    return RepoRef(repo=asked.repo or found.repo, revision=asked.revision), task, found


def _fetch(hub: Hub, mteb: Mteb, key: str, asked: MtebProbe, folder: Path, pin: PinParams) -> TaskSet:
    repo, task, description = _described(mteb, key, asked)
    owner = f"data set {repo.repo} at {repo.revision[:12]}, which {key} is scored on,"
    listed = hub.files(repo.repo, "dataset", repo.revision)
    downloads.refuse_scripts(listed, owner)
    there = [path for path in DESCRIPTIONS if path in listed]
    take = partial(downloads.tables, hub, key, repo.repo, repo.revision, pin=pin)
    about = take(there).folder if there else Path()
    found: list[str | None] = [*_wanted(names(about, there, owner), task, description)]
    configs = [declared(about, listed, owner, name) for name in found or [None]]
    files = {path for one in configs for paths in chosen(one, listed, owner).files.values() for path in paths}
    download = take([*there, *sorted(files)])
    read = partial(rows.read, download.folder, listed, owner, limits=pin.limits)
    splits = _write(folder, ((one.name, read(one)) for one in configs))
    _try(mteb, key, task, folder, splits)
    return TaskSet(download.pinned, task, folder)


def _try(mteb: Mteb, key: str, task: MtebTask, folder: Path, splits: Collection[str]) -> None:
    """Have a task scored on vectors drawn at random.

    Raises:
        InvalidData: It cannot be, or what comes out is no number.
    """
    try:
        found = mteb.score(task.name, folder, _drawn, subsets=task.subsets, splits=task.splits, key=key)
    except InvalidData as error:
        raise InvalidData(
            f"{error}, or name in {key}.subsets and {key}.splits what is there (asked for: "
            f"{', '.join(task.splits)}; splits of the data set: {', '.join(sorted(splits))})"
        ) from None
    empty = [f"{one.subset}, {one.split}" for one in found.parts if not math.isfinite(one.score)]
    if empty:
        raise InvalidData(
            f"{key}: mteb's task {task.name} gives no number for {'; '.join(empty)} of this data set, of "
            "vectors drawn at random; wanted scores or labels that are numbers and not all alike. Pin a "
            f"commit that has them, or leave that out by {key}.subsets or {key}.splits"
        )


def _wanted(configs: Sequence[str], task: MtebTask, description: Description) -> list[str]:
    """Return which of a data set's subsets the task needs: all, where nothing says which are its own."""
    own: dict[str, list[str]] = {
        "subsets": [
            name for name in configs if any(name == one or name.startswith(f"{one}-") for one in task.subsets)
        ],
        "default": [name for name in configs if name == "default"],
        "any": [],
    }
    return own[description.reads] or list(configs)


def _write(folder: Path, configs: Iterable[tuple[str, Loaded]]) -> set[str]:
    """Write splits as Parquet, with the types of their columns, and a README that names them.

    Returns the names of the splits. Folders and files are numbered: a subset's name may be anything.
    """
    entries, names = [], set[str]()
    for number, (name, loaded) in enumerate(configs):
        inside = folder / f"{number:04}"
        inside.mkdir(parents=True)
        files = []
        for place, (split, part) in enumerate(loaded.splits.items()):
            path = inside / f"{place:04}.parquet"
            pq.write_table(part.data.table, path)
            names.add(str(split))
            files.append({"split": str(split), "path": path.relative_to(folder).as_posix()})
        entries.append({"config_name": name, "data_files": files})
    text = yaml.safe_dump({"configs": entries}, sort_keys=False, allow_unicode=True)
    (folder / "README.md").write_text(f"---\n{text}---\n", encoding="utf-8")
    return names


def _drawn(texts: list[str], role: str) -> NDArray[np.float32]:
    """Return vectors that know nothing of the texts: the same ones each time, for other texts other ones."""
    seed = zlib.crc32(role.encode())
    for text in texts:
        seed = zlib.crc32(text.encode(errors="replace"), seed)
    return np.random.default_rng(seed).standard_normal((len(texts), _WIDTH)).astype(np.float32)


def move(found: Mapping[str, TaskSet], folder: Path) -> None:
    """Move what was written to where it stays, each under its name."""
    for name, one in found.items():
        shutil.move(one.folder, folder / name)
