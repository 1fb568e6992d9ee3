"""MinHash bands of texts: two texts that share one may be near-duplicates."""

import hashlib

import numpy as np
import polars as pl
from numpy.typing import NDArray
from rensa import RMinHash

from pipeline.dataset import language
from pipeline.dataset.numbers_and_negation import signals
from pipeline.params.audit import NearDuplicateParams

_ROWS_PER_BAND = 4
_TEXTS_AT_A_TIME = 20_000  # rensa hands its values over as Python's numbers, 4 kB a text
_SEED = 1
_PRIME = np.uint64(0x100000001B3)


def bands(texts: pl.Series, params: NearDuplicateParams, folding: str) -> NDArray[np.uint64]:
    """Return the bands of folded texts, (texts, bands): two texts that share one may be near-duplicates."""
    count = params.permutations // _ROWS_PER_BAND
    found = np.empty((len(texts), count), np.uint64)
    for begin in range(0, len(texts), _TEXTS_AT_A_TIME):
        found[begin : begin + _TEXTS_AT_A_TIME] = _bands(
            texts[begin : begin + _TEXTS_AT_A_TIME], params, folding
        )
    return found


def _bands(texts: pl.Series, params: NearDuplicateParams, folding: str) -> NDArray[np.uint64]:
    count = params.permutations // _ROWS_PER_BAND
    hashes, offsets = _shingles(letters_and_digits(texts, folding), params.shingle_characters)
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(hashes, offsets, params.permutations, _SEED)
    values = np.array(matrix.to_rows(), dtype=np.uint64)[:, : count * _ROWS_PER_BAND]
    mixed = np.repeat(_signal_hashes(texts, folding)[:, None], count, axis=1) ^ np.arange(
        count, dtype=np.uint64
    )
    for place in range(_ROWS_PER_BAND):
        mixed = (mixed ^ values[:, place::_ROWS_PER_BAND][:, :count]) * _PRIME
        mixed ^= mixed >> np.uint64(29)
    return mixed


def text_keys(folded_texts: pl.Series) -> NDArray[np.uint64]:
    """Return a number for each folded text that is the same for ever."""
    digests = (hashlib.sha256(text.encode()).digest()[:8] for text in folded_texts)
    return np.array([int.from_bytes(digest) for digest in digests], dtype=np.uint64)


def letters_and_digits(folded_texts: pl.Series, folding: str) -> pl.Series:
    """Leave letters and digits, as the language reads them; all of a text that has neither."""
    text = pl.col("text")
    plain = text.str.replace_all(r"[^\w\s]+", " ").str.replace_all(r"\s+", " ").str.strip_chars(" ")
    frame = pl.DataFrame({"text": language.of(folding).typed(folded_texts)}, schema={"text": pl.String})
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


def _signal_hashes(texts: pl.Series, folding: str) -> NDArray[np.uint64]:
    found = signals(texts, folding)
    distinct = found.unique()
    hashed = pl.DataFrame({"signal": distinct, "hash": pl.Series(text_keys(distinct), dtype=pl.UInt64)})
    return (
        pl.DataFrame({"signal": found})
        .join(hashed, on="signal", how="left", maintain_order="left")["hash"]
        .to_numpy()
    )
