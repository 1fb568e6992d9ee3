"""The outcome of every test triplet at every dimension, so that runs can be compared row by row."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl
import torch
from sentence_transformers.util import pairwise_cos_sim


def write(path: str | Path, embeddings: Sequence[torch.Tensor], dims: Sequence[int]) -> None:
    """Write cos(query, positive) and cos(query, negative) per row and dimension as parquet.

    Args:
        path: The file.
        embeddings: Of queries, positives and negatives, (rows, width) each.
        dims: Numbers of leading columns.
    """
    query, positive, negative = embeddings
    frames = [
        pl.DataFrame(
            {
                "row": range(len(query)),
                "positive": pairwise_cos_sim(query[:, :dim], positive[:, :dim]).cpu().numpy(),
                "negative": pairwise_cos_sim(query[:, :dim], negative[:, :dim]).cpu().numpy(),
            }
        ).with_columns(dim=pl.lit(dim))
        for dim in dims
    ]
    pl.concat(frames).write_parquet(path)
