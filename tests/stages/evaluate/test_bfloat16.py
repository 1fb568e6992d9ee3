"""What bfloat16 moves on the rows that the gate judges, with a model that a line has trained."""

from pathlib import Path

import numpy as np
import polars as pl

from pipeline.embedding import loading
from pipeline.embedding.encode import score_triplets
from pipeline.params import load
from pipeline.workspace import paths


def test_bfloat16_turns_no_row_but_those_that_are_nearly_ties(finished: Path) -> None:
    """A row's two cosines each move by less than a hundredth, so that only closer ones change sides."""
    params = load(finished)
    rows = pl.read_parquet(paths.clean(finished, "test"))
    query, positive, negative = (rows[name].to_list() for name in ("query", "positive", "negative"))
    model = loading.load(finished / paths.MODEL)
    exact, rounded = (
        score_triplets(
            model,
            query,
            positive,
            [negative],
            params.model.dims,
            query_prompt=model.prompts["query"],
            document_prompt=model.prompts["document"],
            bf16=bf16,
        )
        for bf16 in (False, True)
    )
    assert exact.negative is not None
    assert rounded.negative is not None
    moved = max(
        float(np.abs(one - other).max())
        for one, other in ((exact.positive, rounded.positive), (exact.negative, rounded.negative))
    )
    assert 0 < moved < 0.01
    turned = np.asarray(exact.hits() != rounded.hits())
    assert (np.abs(exact.positive - exact.negative)[turned] < 2 * moved).all()
    assert turned.mean(axis=1).max() <= 0.02
