"""A clean split with its traits beside it, as `evaluate` measures on it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.dataset.slices import Slice, masks
from pipeline.errors import InvalidData
from pipeline.records import HeldOut
from pipeline.records.tables import TRAITS
from pipeline.stages.evaluate.retrieval import Collection, own_texts
from pipeline.workspace import paths


@dataclass(frozen=True)
class MeasuredSplit:
    """One split that models are measured on.

    Attributes:
        name: Which one.
        rows: Clean rows with their traits beside them.
        own: Retrieval among the split's own texts.
        slices: Which rows are in each slice.
        foldings: Of the data set's languages.
    """

    name: HeldOut
    rows: pl.DataFrame
    own: Collection
    slices: dict[Slice, NDArray[np.bool_]]
    foldings: tuple[str, ...]


def read_split(workspace: Path, name: HeldOut, foldings: tuple[str, ...]) -> MeasuredSplit:
    """Read a clean split and its traits.

    Raises:
        InvalidData: The split has no rows, or rows without traits.
    """
    path, traits_path = paths.clean(workspace, name), workspace / paths.TRAITS
    clean = pl.read_parquet(path)
    if not clean.height:
        raise InvalidData(
            f"{path} has no rows; wanted at least one to measure on. See records/audit.json for what was "
            "rejected, or take the split out of evaluate.splits"
        )
    traits = TRAITS.read(traits_path).filter(pl.col("split") == name).drop("split", "group")
    rows = clean.join(traits, on="row", how="inner", validate="1:1", maintain_order="left")
    if rows.height != clean.height:
        raise InvalidData(
            f"{traits_path} describes {rows.height} of the {clean.height} rows of {path}; wanted "
            "every one. Run `audit` again"
        )
    return MeasuredSplit(name, rows, own_texts(rows, foldings), masks(rows), foldings)
