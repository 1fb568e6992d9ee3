"""The shortcut test: how far triplets are told apart by methods that cannot understand them.

Where they come far, triplet accuracy partly measures style or word overlap. The rows that both miss are the
*hard subset*; accuracy on it stands beside the whole (after Gururangan et al., 2018, "Annotation Artifacts in
Natural Language Inference Data").
"""

from pathlib import Path
from typing import TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.dataset.normalize import folded
from pipeline.dataset.parquet import PORTION_ROWS, copied, portions
from pipeline.params.pin import COLUMNS

Hits: TypeAlias = NDArray[np.bool_]

_WORD = r"\w+"
_FEATURES = 2**18
# BM25's usual constants (Robertson and Zaragoza, 2009): saturation of repeated words, weight of the length.
_K1, _B = 1.2, 0.75


def sample(path: Path, rows: int, seed: int = 1) -> pl.DataFrame:
    """Draw rows of a split, in their order; all where there are no more."""
    count = int(pl.scan_parquet(path).select(pl.len()).collect().item())
    if count <= rows:
        return pl.read_parquet(path)
    drawn = np.sort(np.random.default_rng(seed).choice(count, rows, replace=False))
    begin, parts = 0, []
    for portion in portions(path):
        first, last = np.searchsorted(drawn, (begin, begin + portion.height))
        parts.append(copied(portion[drawn[first:last] - begin]))
        begin += portion.height
    return pl.concat(parts)


def bag_of_words(train: pl.DataFrame, held_out: pl.DataFrame, seed: int = 1) -> Hits:
    """Tell positives from negatives by their words alone, without the query.

    A logistic regression over hashed words and pairs of words learns on `train` and scores `held_out`.
    Equal input gives equal hits, whatever the number of threads.

    Args:
        train: Columns `positive` and `negative`.
        held_out: The same columns.
        seed: Of the solver.

    Returns:
        Per row of `held_out`: the positive scored higher. A tie is a miss; so is every row where `train` has
        no row or no word.
    """
    # Only audit needs them, and they take a second to load.
    from sklearn.feature_extraction.text import HashingVectorizer
    from sklearn.linear_model import LogisticRegression

    words = HashingVectorizer(
        lowercase=False,
        token_pattern=rf"(?u){_WORD}",
        ngram_range=(1, 2),
        n_features=_FEATURES,
        alternate_sign=False,
        binary=True,
    )
    if train.is_empty() or held_out.is_empty():
        return np.zeros(held_out.height, np.bool_)
    texts = [*_folded(train, "positive"), *_folded(train, "negative")]
    labels = np.repeat([1, 0], train.height)
    # liblinear has one thread of its own and no BLAS with a varying order of sums.
    classifier = LogisticRegression(solver="liblinear", random_state=seed)
    classifier.fit(words.transform(texts), labels)
    positive, negative = (
        np.concatenate(
            [
                classifier.decision_function(words.transform(_folded(part, column)))
                for part in held_out.iter_slices(PORTION_ROWS)
            ]
        )
        for column in ("positive", "negative")
    )
    hits: Hits = positive > negative
    return hits


def bm25(held_out: pl.DataFrame) -> Hits:
    """Tell positives from negatives by the rare words that they share with the query (BM25).

    How rare a word is, and how long a document usually is, is counted over the distinct positives and
    negatives of these rows.

    Args:
        held_out: Columns `query`, `positive` and `negative`.

    Returns:
        Per row: the positive scored higher. A tie is a miss, as where the query has no word.
    """
    if held_out.is_empty():
        return np.zeros(0, np.bool_)
    rows = held_out.select(folded(pl.col(name)).fill_null("") for name in COLUMNS)
    rarity, mean_words = _rarity(pl.concat([rows["positive"], rows["negative"]]).unique().to_frame("text"))
    scores = np.concatenate([_scores(part, rarity, mean_words) for part in rows.iter_slices(PORTION_ROWS)])
    hits: Hits = scores[:, 0] > scores[:, 1]
    return hits


def _rarity(texts: pl.DataFrame) -> tuple[pl.DataFrame, float]:
    """Return the weight `idf` of each `word` of distinct texts, and how many words a text has on average."""
    appears, count = [], 0
    for part in texts.iter_slices(PORTION_ROWS):
        words = _words(part.with_row_index("document"))
        count += words.height
        appears.append(words.group_by("word").agg(documents=pl.col("document").n_unique()))
    documents = pl.col("documents").sum()
    return (
        pl.concat(appears)
        .group_by("word")
        .agg(idf=((texts.height - documents + 0.5) / (documents + 0.5)).log1p()),
        count / texts.height,
    )


def _scores(rows: pl.DataFrame, rarity: pl.DataFrame, mean_words: float) -> NDArray[np.float64]:
    """Score each row's positive and negative by its query, (rows, 2)."""
    rows = rows.with_row_index("row")
    asked = _words(rows.select("row", text="query")).select("row", "word").unique()
    sides = pl.concat(
        rows.select("row", text=side, side=pl.lit(number, dtype=pl.UInt32))
        for number, side in enumerate(("positive", "negative"))
    )
    length = 1 - _B + _B * pl.col("words") / mean_words
    shared = (
        _words(sides)
        .join(asked, on=["row", "word"], how="semi")
        .group_by("row", "side", "word")
        .agg(times=pl.len(), words=pl.col("words").first())
        .join(rarity, on="word")
        # Sums of floats in one order: a tie must stay one.
        .sort("row", "side", "word")
        .select(
            cell=pl.col("row").cast(pl.Int64) * 2 + pl.col("side"),
            gain=pl.col("idf") * pl.col("times") * (_K1 + 1) / (pl.col("times") + _K1 * length),
        )
    )
    cells, gains = shared["cell"].to_numpy(), shared["gain"].to_numpy()
    scores = np.bincount(cells, weights=gains, minlength=2 * rows.height).astype(np.float64, copy=False)
    return scores.reshape(-1, 2)


def hard(bag_of_words_hits: Hits, bm25_hits: Hits) -> Hits:
    """Return the rows that both methods miss."""
    return ~(bag_of_words_hits | bm25_hits)


def _folded(rows: pl.DataFrame, column: str) -> list[str]:
    texts: list[str] = rows.select(folded(pl.col(column)).fill_null(""))[column].to_list()
    return texts


def _words(texts: pl.DataFrame) -> pl.DataFrame:
    """Return one row per word of `text`, with the number of `words` in that text; none for a text without."""
    return (
        texts.with_columns(word=pl.col("text").str.extract_all(_WORD))
        .drop("text")
        .with_columns(words=pl.col("word").list.len())
        .explode("word")
        .drop_nulls("word")
    )
