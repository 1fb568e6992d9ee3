"""Which texts are near-duplicates: MinHash proposes pairs, exact similarity and their signals decide.

Similarity is Jaccard's, of the sets of character shingles of two folded texts, punctuation aside. MinHash
(Broder 1997, https://doi.org/10.1109/SEQUEN.1997.666900) by rensa; bands of its values find the pairs worth
comparing (Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, ch. 3). A band is mixed with the text's
signals (see `pipeline.signals`), so that a changed number or a negation never meets its original.
"""

import hashlib
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from rensa import RMinHash

from pipeline.folding import folded
from pipeline.params.audit import NearDuplicateParams
from pipeline.portions import portions
from pipeline.signals import signals, typed

# What a release's `trained_rows.parquet` is made with: it must mean the same in every release.
RELEASED = NearDuplicateParams(shingle_characters=3, permutations=128, min_similarity=0.7)
_ROWS_PER_BAND = 4
# Of texts that are alike by 0.7, 32 bands share 8 on average; by 0.85, 17; by 0.5, two. So 8 make a text near
# where only bands are known, and two are worth a comparison where the texts are there.
_NEAR_BANDS = 8
_PROPOSING_BANDS = 2
_MANY_BANDS = 24  # with fewer of them one has to do
_TEXTS_AT_A_TIME = 20_000  # rensa hands its values over as Python's numbers, 4 kB a text
_PIECE = 4_000_000  # pairs of bands looked at together: some hundred MB
_SEED = 1
_PLACES = pl.int_ranges(pl.col("bands").list.len())  # a band counts only at its own place
_PRIME = np.uint64(0x100000001B3)


@dataclass(frozen=True)
class Index:
    """Texts that can be asked for near-duplicates of others.

    Attributes:
        texts: Folded and distinct.
        bands: Their bands, sorted.
        owners: Which text each entry of `bands` belongs to.
    """

    texts: pl.Series
    bands: NDArray[np.uint64]
    owners: NDArray[np.int32]
    params: NearDuplicateParams


def index(texts: pl.Series, params: NearDuplicateParams) -> Index:
    """Index folded, distinct texts."""
    found = bands(texts, params)
    count = max(1, found.shape[1])
    order = np.argsort(found, axis=None, kind="stable")
    ordered = found.ravel()[order]
    del found  # each of the three is half a gigabyte for two million texts
    order //= count
    return Index(texts, ordered, order.astype(np.int32), params)


def pairs(indexed: Index, texts: pl.Series) -> NDArray[np.int64]:
    """Find which of some folded texts are near-duplicates of indexed ones; equal texts are not counted.

    Returns:
        (pairs, 2): number of the text, number of the indexed text; sorted, each once.
    """
    asked = bands(texts, indexed.params)
    width, count = indexed.params.shingle_characters, asked.shape[1]
    least = _PROPOSING_BANDS if count >= _MANY_BANDS else 1
    found = [np.empty((0, 2), np.int64)]
    left = np.searchsorted(indexed.bands, asked, side="left")
    shared = np.searchsorted(indexed.bands, asked, side="right") - left
    for begin, end in pairwise(_pieces(shared.sum(axis=1))):
        proposed = _proposed(indexed, left[begin:end], shared[begin:end], least) + np.array([begin, 0])
        ours_text, their_text = texts.gather(proposed[:, 0]), indexed.texts.gather(proposed[:, 1])
        agree = (ours_text != their_text) & (signals(ours_text) == signals(their_text))
        ours_text, their_text = ours_text.filter(agree), their_text.filter(agree)
        compared = zip(_plain(ours_text), _plain(their_text), strict=True)
        near = [similarity(one, other, width) >= indexed.params.min_similarity for one, other in compared]
        found.append(proposed[agree.to_numpy()][np.array(near, dtype=bool)])
    return np.concatenate(found)


def _pieces(sizes: NDArray[np.int64]) -> list[int]:
    """Cut texts into runs whose sizes sum to about _PIECE, so that dense data cannot fill the memory."""
    run = np.cumsum(sizes) // _PIECE
    return [0, *(np.flatnonzero(np.diff(run)) + 1).tolist(), *([len(sizes)] if len(sizes) else [])]


def _proposed(
    indexed: Index, left: NDArray[np.int64], shared: NDArray[np.int64], least: int
) -> NDArray[np.int64]:
    """Give the pairs (text, indexed text) that share at least so many bands; sorted, each once."""
    counts = shared.ravel()
    ours = np.repeat(np.arange(len(left)).repeat(left.shape[1]), counts)
    offsets = np.arange(len(ours)) - np.repeat(np.cumsum(counts) - counts, counts)
    theirs = indexed.owners[np.repeat(left.ravel(), counts) + offsets]
    size = max(1, len(indexed.texts))
    both, bands_shared = np.unique(ours * size + theirs, return_counts=True)
    return np.stack(np.divmod(both[bands_shared >= least], size), axis=1)


def similarity(left: str, right: str, shingle_characters: int) -> float:
    """Jaccard similarity of two folded texts' sets of shingles."""
    one, two = (
        {
            text[place : place + shingle_characters]
            for place in range(max(1, len(text) - shingle_characters + 1))
        }
        for text in (left, right)
    )
    return len(one & two) / len(one | two)


def bands(texts: pl.Series, params: NearDuplicateParams) -> NDArray[np.uint64]:
    """Give the bands of folded texts, (texts, bands): two texts that share one may be near-duplicates."""
    count = params.permutations // _ROWS_PER_BAND
    found = np.empty((len(texts), count), np.uint64)
    for begin in range(0, len(texts), _TEXTS_AT_A_TIME):
        found[begin : begin + _TEXTS_AT_A_TIME] = _bands(texts[begin : begin + _TEXTS_AT_A_TIME], params)
    return found


def _bands(texts: pl.Series, params: NearDuplicateParams) -> NDArray[np.uint64]:
    count = params.permutations // _ROWS_PER_BAND
    hashes, offsets = _shingles(_plain(texts), params.shingle_characters)
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(hashes, offsets, params.permutations, _SEED)
    values = np.array(matrix.to_rows(), dtype=np.uint64)[:, : count * _ROWS_PER_BAND]
    mixed = np.repeat(_signal_hashes(texts)[:, None], count, axis=1) ^ np.arange(count, dtype=np.uint64)
    for place in range(_ROWS_PER_BAND):
        mixed = (mixed ^ values[:, place::_ROWS_PER_BAND][:, :count]) * _PRIME
        mixed ^= mixed >> np.uint64(29)
    return mixed


def components(texts: pl.Series, params: NearDuplicateParams) -> NDArray[np.int64]:
    """Number the texts so that near-duplicates, and their near-duplicates, share a number."""
    from scipy.sparse import coo_matrix  # type: ignore[import-untyped]
    from scipy.sparse.csgraph import connected_components  # type: ignore[import-untyped]

    distinct = texts.unique(maintain_order=True)
    found = pairs(index(distinct, params), distinct)
    edges = coo_matrix(
        (np.ones(len(found)), (found[:, 0], found[:, 1])) if len(found) else ([], ([], [])),
        shape=(len(distinct), len(distinct)),
    )
    labels = np.asarray(connected_components(edges, directed=False)[1], dtype=np.int64)
    places = pl.DataFrame({"text": distinct, "label": labels})
    return (
        pl.DataFrame({"text": texts})
        .join(places, on="text", how="left", maintain_order="left")["label"]
        .to_numpy()
    )


def trained_rows(queries: list[str]) -> pl.DataFrame:
    """Describe what a model was trained on, so that a later line can tell, without the texts.

    Returns:
        `key` UInt64 of each folded query, and `bands` List(UInt32).
    """
    texts = _column(queries).select(folded(pl.col("text")))["text"]
    short = (bands(texts, RELEASED) >> np.uint64(32)).astype(np.uint32)
    return pl.DataFrame(
        {"key": text_keys(texts), "bands": short.tolist()},
        schema={"key": pl.UInt64, "bands": pl.List(pl.UInt32)},
    )


def near(trained: Path, texts: list[str]) -> NDArray[np.bool_]:
    """Say which texts a model was trained on, near-duplicates included, by its `trained_rows.parquet`.

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


def text_keys(folded_texts: pl.Series) -> NDArray[np.uint64]:
    """Give each folded text a number that is the same for ever."""
    digests = (hashlib.sha256(text.encode()).digest()[:8] for text in folded_texts)
    return np.array([int.from_bytes(digest) for digest in digests], dtype=np.uint64)


def _plain(folded_texts: pl.Series) -> pl.Series:
    """Leave letters and digits, as `pipeline.signals` reads them; all of a text that has neither."""
    text = pl.col("text")
    plain = text.str.replace_all(r"[^\w\s]+", " ").str.replace_all(r"\s+", " ").str.strip_chars(" ")
    frame = pl.DataFrame({"text": typed(folded_texts)}, schema={"text": pl.String})
    return frame.select(pl.when(plain == "").then(text).otherwise(plain).alias("text"))["text"]


def _shingles(texts: pl.Series, width: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Hash every shingle of every text; a text shorter than one is filled up with spaces."""
    filled = texts.str.pad_end(width)
    characters = np.frombuffer("".join(filled).encode("utf-32-le"), dtype=np.uint32).astype(np.uint64)
    lengths = filled.str.len_chars().to_numpy().astype(np.int64)
    hashes = np.zeros(len(characters) - width + 1, np.uint64)
    for place in range(width):
        hashes = (hashes ^ characters[place : place + len(hashes)]) * _PRIME
    hashes ^= hashes >> np.uint64(32)
    counts = lengths - width + 1
    starts = np.cumsum(lengths) - lengths
    inside = np.repeat(starts - (np.cumsum(counts) - counts), counts) + np.arange(int(counts.sum()))
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.uint64)
    return np.ascontiguousarray(hashes[inside]), offsets


def _signal_hashes(texts: pl.Series) -> NDArray[np.uint64]:
    found = signals(texts)
    distinct = found.unique()
    hashed = pl.DataFrame({"signal": distinct, "hash": pl.Series(text_keys(distinct), dtype=pl.UInt64)})
    return (
        pl.DataFrame({"signal": found})
        .join(hashed, on="signal", how="left", maintain_order="left")["hash"]
        .to_numpy()
    )


__all__ = [
    "RELEASED",
    "Index",
    "bands",
    "components",
    "index",
    "near",
    "pairs",
    "similarity",
    "text_keys",
    "trained_rows",
]
