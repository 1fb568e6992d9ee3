"""Test sets of any size, as the audit leaves them, and the section that judges them."""

from typing import Any

import polars as pl

from pipeline.params import load
from pipeline.params.gate import GateParams
from pipeline.records.tables import TRAITS
from tests.support.workspaces import PROJECT

PARAMS = load(PROJECT)


def gate(**changes: Any) -> GateParams:
    """Return the project's own section `gate`, with five looks."""
    values = PARAMS.gate.model_dump() | {"max_looks": 5} | changes
    return GateParams.model_validate(values)


def traits(rows: int, near: int = 0, per_cluster: int = 1) -> pl.DataFrame:
    """Return the traits of so many rows, the first of them near a trained text, each tenth one hard."""
    return TRAITS.shape(
        pl.DataFrame(
            {
                "split": ["test"] * rows,
                "row": list(range(rows)),
                "group": [f"g{row}" for row in range(rows)],
                "component": [row // per_cluster for row in range(rows)],
                "hard": [row % 10 == 0 for row in range(rows)],
                "near_train": [row < near for row in range(rows)],
                "new": [False] * rows,
                "personal": [False] * rows,
            }
        )
    )
