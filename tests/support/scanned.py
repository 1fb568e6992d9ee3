"""Splits as `audit` holds them after its first look: written, read back and flagged."""

from pathlib import Path

import polars as pl

from pipeline.dataset.normalize import sameness
from pipeline.params import load
from pipeline.stages.audit import row_checks
from pipeline.stages.audit.row_checks import ScannedSplit
from tests.support.workspaces import COLUMNS, PROJECT

Row = tuple[str | None, ...]


def scanned(folder: Path, languages: tuple[str, ...] = ("en",), **rows: list[Row]) -> dict[str, ScannedSplit]:
    """Write splits into a folder and scan them, all with one idea of when two texts are one.

    Args:
        folder: Gets a file per split.
        languages: Of the texts.
        rows: By split: query, positive and as many negatives as a row has.
    """
    frames = {}
    for name, some in rows.items():
        names = [*COLUMNS, "negative_2", "negative_3"][: len(some[0])]
        columns = dict(zip(names, zip(*some, strict=True), strict=True))
        frames[name] = pl.DataFrame(columns, schema=dict.fromkeys(names, pl.String))
    same = sameness([column for frame in frames.values() for column in frame.get_columns()], languages)
    params, found = load(PROJECT).audit, {}
    for name, frame in frames.items():
        path = folder / f"{name}.parquet"
        frame.with_row_index("row", offset=100).write_parquet(path)
        found[name] = row_checks.scan(name, path, params, same, languages)
    return found
