"""A data set's rows as they stand in its files, loaded offline."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from datasets import DatasetDict

from pipeline.errors import InvalidData
from pipeline.params.pin import DatasetParams, LimitParams
from pipeline.stages.pin.tables import row_process
from pipeline.stages.pin.tables.split_files import chosen
from pipeline.stages.pin.tables.subsets import Subset, declared


@dataclass(frozen=True)
class Loaded:
    """A data set's own splits: their rows, and the files of the repository that hold them.

    Attributes:
        splits: Their rows, by the data set's name.
        files: Their files, by the same name.
        subset: The subset that they are of; None where the README declares none.
        declared: The README says which files make a split; else their names do.
    """

    splits: DatasetDict
    files: Mapping[str, tuple[str, ...]]
    subset: str | None
    declared: bool


def load(folder: Path, listed: Collection[str], params: DatasetParams, limits: LimitParams) -> Loaded:
    """Load a data set from the files that its commit lists, with the splits that it declares itself.

    Args:
        folder: The data set's files, as the Hub lists them.
        listed: Their paths; nothing else is read, whatever the README says.
        params: The section `dataset`.
        limits: What the files may ask of this machine.

    Raises:
        InvalidData: `datasets` cannot read the files, or the README names others.
    """
    owner = f"data set {params.repo} at {params.revision[:12]}"
    return read(folder, listed, owner, declared(folder, listed, owner, params.subset), limits)


def read(folder: Path, listed: Collection[str], owner: str, subset: Subset, limits: LimitParams) -> Loaded:
    """Load one subset of a data set; see `load`.

    Args:
        folder: The data set's files, as the Hub lists them.
        listed: Their paths; nothing else is read.
        owner: The data set's name and commit, for messages.
        subset: What it declares.
        limits: What the files may ask of this machine.

    Raises:
        InvalidData: `datasets` cannot read the files, or the README names others.
    """
    files = chosen(subset, listed, owner)
    splits = row_process.rows(folder, files, subset.features, owner, limits)
    heights = {split: part.num_rows for split, part in splits.items()}
    wrong = {split: rows for split, rows in (subset.rows or {}).items() if heights.get(split) != rows}
    if wrong:
        split, rows = next(iter(wrong.items()))
        raise InvalidData(
            f"{owner} cannot be read: its README states {rows} rows in the split {split!r}, its files hold "
            f"{heights.get(split, 'no such split')}; wanted them equal. Pin a commit where they are"
        )
    return Loaded(splits, files.files, subset.name if subset.stated else None, subset.patterns is not None)
