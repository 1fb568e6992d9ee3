"""Files become rows in a process of their own, which gets those files and nothing else of this machine."""

import itertools
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from datasets import Dataset, DatasetDict, concatenate_datasets
from datasets.packaged_modules import _ALL_ALLOWED_EXTENSIONS

from pipeline.errors import InvalidData, InvalidWorkspace
from pipeline.isolated import child
from pipeline.params.pin import LimitParams
from pipeline.stages.pin import file_limits
from pipeline.stages.pin.tables import row_reader
from pipeline.stages.pin.tables.split_files import SplitFiles

_COMPRESSIONS = (".gz", ".bz2", ".xz", ".zst", ".lz4")
# Of zip archives, empty and spanned ones included.
_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")


def rows(folder: Path, chosen: SplitFiles, features: Any, owner: str, limits: LimitParams) -> DatasetDict:
    """Read the files of each split, without token and offline.

    The rows lie in unlinked files, mapped into memory: they take room on the disk until nobody holds them.

    Args:
        folder: The data set's files.
        chosen: Which of them, and how.
        features: Columns and types as the README states them, or None.
        owner: The data set's name and commit, for messages.
        limits: What they may ask of this machine.

    Raises:
        InvalidData: `datasets` cannot read them, they ask for more, or a split has no rows.
        InvalidWorkspace: There is no room for them among the temporary files.
    """
    with tempfile.TemporaryDirectory(prefix="katman-rows-") as name:
        room = Path(name).resolve()
        names = _link(folder, chosen.files, room / "files", owner)
        request = {
            "reader": chosen.reader,
            "files": names,
            "options": chosen.options,
            "features": features,
            "limits": limits.model_dump(),
        }
        answer = child.ask(Path(row_reader.__file__), room, request, limits=file_limits.process(limits))
        if "ended" in answer:
            answer = {"failed": f"the process that reads them {answer['ended']}"}
        if answer.get("full"):
            raise InvalidWorkspace(
                f"{owner} cannot be read: its rows found no room in {room.parent}, the folder for temporary "
                f"files, where {shutil.disk_usage(room.parent).free / 1e6:.0f} MB are free; wanted about as "
                "much as the data set takes unpacked. Free some, or set TMPDIR to a folder that has it"
            )
        if "refused" in answer or "failed" in answer:
            said = str(answer.get("refused", answer.get("failed")))
            for split, links in names.items():
                for link, path in zip(links, chosen.files[split], strict=True):
                    said = said.replace(link, path).replace(Path(link).name, path)
            if "refused" in answer:
                raise InvalidData(f"{owner} cannot be read: {said}")
            raise InvalidData(
                f"{owner} cannot be read: {said}; wanted files that hold the same columns, of strings, "
                "in every split. Look at them on the Hub, and pin a commit that loads"
            )
        if "empty" in answer:
            empty = ", ".join(map(repr, answer["empty"]))
            raise InvalidData(
                f"{owner} has a split that has no rows ({empty}); wanted at least one in each. "
                "Pin a commit that has some"
            )
        return DatasetDict(
            {
                split: concatenate_datasets([Dataset.from_file(one) for one in parts])
                for split, parts in answer["rows"].items()
            }
        )


def _link(
    folder: Path, files: Mapping[str, tuple[str, ...]], links: Path, owner: str
) -> dict[str, list[str]]:
    """Link the files under numbered names: a file's own name can be a pattern or a chain of addresses."""
    links.mkdir()
    numbers = itertools.count()
    names: dict[str, list[str]] = {split: [] for split in files}
    for split, paths in files.items():
        for path in paths:
            target = (folder / path).resolve(strict=True)
            with target.open("rb") as file:
                if file.read(4) in _ZIP:
                    raise InvalidData(
                        f"{owner} has its rows in the zip archive {path}, whose members can name files "
                        "elsewhere; wanted the files themselves. Pin a commit with the archive unpacked"
                    )
            link = links / f"{next(numbers):06}{_suffixes(path)}"
            link.symlink_to(target)
            names[split].append(str(link))
    return names


def _suffixes(path: str) -> str:
    """Return what a file's name says of its kind: `.csv.gz`."""
    known = (*_ALL_ALLOWED_EXTENSIONS, *_COMPRESSIONS)
    return "".join(
        f".{part}" for part in PurePosixPath(path).name.split(".")[1:] if f".{part.lower()}" in known
    )
