"""What a release says of the rows that it was trained on: enough to compare with, and none of the texts."""

from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.dataset.minhash import bands, text_keys
from pipeline.dataset.normalize import folded
from pipeline.dataset.parquet import portions
from pipeline.params.audit import NearDuplicateParams
from pipeline.records.tables import FINGERPRINTS

# Which rows a release was trained on: travels with it, for whoever compares another model with it.
TRAINED_ROWS = "trained_rows.parquet"

# What a release's `trained_rows.parquet` is made with: it must mean the same in every release.
RELEASED = NearDuplicateParams(shingle_characters=3, permutations=128, min_similarity=0.7)
# Of texts that are alike by 0.7, 32 bands share 8 on average; by 0.85, 17; by 0.5, two. So 8 make a text near
# where only bands are known, and two are worth a comparison where the texts are there.
_NEAR_BANDS = 8
_PLACES = pl.int_ranges(pl.col("bands").list.len())  # a band counts only at its own place


def trained_rows(queries: list[str]) -> pl.DataFrame:
    """Describe what a model was trained on, so that a later line can tell, without the texts.

    Returns:
        The rows of `FINGERPRINTS`: the key of each folded query, and its bands.
    """
    texts = _column(queries).select(folded(pl.col("text")))["text"]
    short = (bands(texts, RELEASED) >> np.uint64(32)).astype(np.uint32)
    return pl.DataFrame({"key": text_keys(texts), "bands": short.tolist()}, schema=FINGERPRINTS.columns)


def near(trained: Path, texts: list[str]) -> NDArray[np.bool_]:
    """Return which texts a model was trained on, near-duplicates included, by its `trained_rows.parquet`.

    A text is near a trained row where the two share eight of 32 bands: of pairs with similarity 0.75 five of
    six do, with 0.6 one of twenty, with 0.5 one of a thousand. Bands of different rows are not added up:
    among many rows each band of a text has its like somewhere.
    """
    asked = trained_rows(texts).with_row_index("text")
    wanted = asked.select("text", band="bands", place=_PLACES).explode("band", "place").drop_nulls()
    found = np.zeros(asked.height, dtype=bool)
    for portion in portions(trained):
        rows = portion.with_row_index("row")
        found |= asked["key"].is_in(rows["key"].implode()).to_numpy()
        near_ones = (
            rows.select("row", band="bands", place=_PLACES)
            .explode("band", "place")
            .join(wanted, on=["band", "place"])
            .group_by("row", "text")
            .len()
            .filter(pl.col("len") >= _NEAR_BANDS)
        )
        found[near_ones["text"].unique().to_numpy()] = True
    return found


def _column(texts: list[str]) -> pl.DataFrame:
    return pl.DataFrame({"text": texts}, schema={"text": pl.String})
