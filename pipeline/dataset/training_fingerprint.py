"""What a release says of the rows that it was trained on: enough to compare with, and none of the texts."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.dataset import language
from pipeline.dataset.minhash import bands, text_keys
from pipeline.dataset.normalize import folded
from pipeline.dataset.parquet import portions
from pipeline.errors import InvalidData
from pipeline.params.audit import NearDuplicateParams
from pipeline.records.names import UNNAMED_FOLDING
from pipeline.records.tables import FINGERPRINTS

# Which rows a release was trained on: travels with it, for whoever compares another model with it.
TRAINED_ROWS = "trained_rows.parquet"

_HASHES: dict[str, type[pl.DataType] | pl.DataType] = {"key": pl.UInt64, "bands": pl.List(pl.UInt32)}
# What a release's `trained_rows.parquet` is made with: it must mean the same in every release.
RELEASED = NearDuplicateParams(shingle_characters=3, permutations=128, min_similarity=0.7)
# Of texts that are alike by 0.7, 32 bands share 8 on average; by 0.85, 17; by 0.5, two. So 8 make a text near
# where only bands are known, and two are worth a comparison where the texts are there.
_NEAR_BANDS = 8
_PLACES = pl.int_ranges(pl.col("bands").list.len())  # a band counts only at its own place


def trained_rows(queries: list[str], foldings: Sequence[str]) -> pl.DataFrame:
    """Describe what a model was trained on, so that a later line can tell, without the texts.

    Returns:
        The rows of `FINGERPRINTS`: per folding, the key of each folded query, and its bands.
    """
    return pl.concat(_described(queries, folding) for folding in foldings)


def _described(queries: list[str], folding: str) -> pl.DataFrame:
    texts = _column(queries).select(folded(pl.col("text"), folding))["text"]
    short = (bands(texts, RELEASED, folding) >> np.uint64(32)).astype(np.uint32)
    rows = pl.DataFrame({"key": text_keys(texts), "bands": short.tolist()}, schema=_HASHES)
    return FINGERPRINTS.shape(rows.with_columns(folding=pl.lit(folding)))


def near(trained: Path, texts: list[str]) -> NDArray[np.bool_]:
    """Return which texts a model was trained on, near-duplicates included, by its `trained_rows.parquet`.

    A text is near a trained row where the two share eight of 32 bands: of pairs with similarity 0.75 five of
    six do, with 0.6 one of twenty, with 0.5 one of a thousand. Bands of different rows are not added up:
    among many rows each band of a text has its like somewhere. Texts are folded as the file says that its
    rows were, whatever languages the data set has by now.

    Raises:
        InvalidData: As `demand_known` does.
    """
    demand_known(trained)
    found = np.zeros(len(texts), dtype=bool)
    asked: dict[str, _Asked] = {}
    for portion in portions(trained):
        if "folding" not in portion.columns:  # a release of before they were named
            portion = portion.with_columns(folding=pl.lit(UNNAMED_FOLDING))
        for rows in portion.partition_by("folding", maintain_order=True):
            folding = str(rows["folding"][0])
            if folding not in asked:
                asked[folding] = _asked(texts, folding)
            found |= asked[folding].near(rows)
    return found


@dataclass(frozen=True)
class _Asked:
    """Texts that are looked for among trained rows of one folding.

    Attributes:
        keys: Of each text.
        bands: `text`, `band` and its `place`.
    """

    keys: pl.Series
    bands: pl.DataFrame

    def near(self, trained: pl.DataFrame) -> NDArray[np.bool_]:
        rows = trained.with_row_index("row")
        found = self.keys.is_in(rows["key"].implode()).to_numpy().copy()
        near_ones = (
            rows.select("row", band="bands", place=_PLACES)
            .explode("band", "place")
            .join(self.bands, on=["band", "place"])
            .group_by("row", "text")
            .len()
            .filter(pl.col("len") >= _NEAR_BANDS)
        )
        found[near_ones["text"].unique().to_numpy()] = True
        return found


def demand_known(trained: Path) -> None:
    """Refuse a `trained_rows.parquet` whose rows were folded in a way that is not known here.

    Raises:
        InvalidData: The file names a folding that has no module.
    """
    rows = pl.scan_parquet(trained)
    if "folding" not in rows.collect_schema():
        return
    for folding in rows.select(pl.col("folding").unique().sort()).collect()["folding"]:
        if folding not in language.MODULES:
            raise InvalidData(
                f"{trained} holds rows folded as {folding!r}; wanted one of {', '.join(language.MODULES)}. "
                "A newer katman released it: merge that one"
            )


def _asked(texts: list[str], folding: str) -> _Asked:
    rows = _described(texts, folding).with_row_index("text")
    bands = rows.select("text", band="bands", place=_PLACES).explode("band", "place").drop_nulls()
    return _Asked(rows["key"], bands)


def _column(texts: list[str]) -> pl.DataFrame:
    return pl.DataFrame({"text": texts}, schema={"text": pl.String})
