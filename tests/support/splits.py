"""Splits of a data set as its repository holds them, and the section of params.yaml that names them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.params.pin import CutParams, DatasetParams, LimitParams, PinParams
from pipeline.stages.pin.tables import rows, splits
from pipeline.workspace import digests, holdout
from tests.support import workspaces
from tests.support.workspaces import triplets

Splits = Mapping[str, Mapping[str, Sequence[Any]]]
COMMIT = "0" * 40
CUT = CutParams(dev_share=0.2, test_share=0.3, salt="s")
LIMITS = LimitParams(
    file_bytes=10**9,
    rows=10**6,
    cells=10**7,
    unpacked_bytes=10**9,
    depth=100,
    seconds=240,
    tokenizer_seconds=60,
    memory_bytes=None,
)
PIN = PinParams(cut=CUT, max_workers=1, limits=LIMITS)


def dataset_params(**changes: Any) -> DatasetParams:
    """Return the section `dataset` of a repository with three splits in its own columns."""
    values: dict[str, Any] = {
        "repo": "tester/pin",
        "revision": COMMIT,
        "branch": "main",
        "subset": None,
        "splits": {"train": "train", "dev": "validation", "test": "test"},
        "columns": {"query": "query", "positive": "positive", "negative": "negative"},
        "slices": (),
        "languages": ("tr",),
    }
    return DatasetParams.model_validate(values | changes)


def three(**changes: Mapping[str, Sequence[Any]]) -> dict[str, Mapping[str, Sequence[Any]]]:
    """Return three small splits, some of them as the caller wants them."""
    good: dict[str, Mapping[str, Sequence[Any]]] = {
        "train": triplets(6),
        "validation": triplets(3, 10),
        "test": triplets(4, 20),
    }
    return good | changes


def loaded(folder: Path, params: DatasetParams) -> rows.Loaded:
    """Load a data set of which every file of a folder is one."""
    return rows.load(folder, digests.files(folder), params, LIMITS)


def read(folder: Path, params: DatasetParams) -> splits.Division:
    """Divide what a folder holds, with an empty ledger."""
    return splits.divide(loaded(folder, params), params, CUT, holdout.read(folder))


def split(folder: Path, content: Splits, **changes: Any) -> dict[str, pl.DataFrame]:
    """Write a data set into a folder, and divide it."""
    workspaces.write_splits(folder, content)
    return read(folder, dataset_params(**changes)).frames
