"""The shortcut test: how far triplets are told apart by methods that cannot understand them.

Where they come far, triplet accuracy partly measures style or word overlap. The rows that both miss are the
*hard subset*; accuracy on it stands beside the whole (after Gururangan et al., 2018, "Annotation Artifacts in
Natural Language Inference Data").
"""

import math
from pathlib import Path
from typing import TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.dataset import negatives
from pipeline.dataset.normalize import folded
from pipeline.dataset.parquet import PORTION_ROWS, copied, portions

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


def word_margins(
    train: pl.DataFrame, held_out: pl.DataFrame, folding: str, seed: int = 1
) -> NDArray[np.float64]:
    """Tell positives from negatives by their words alone, without the query.

    A logistic regression over hashed words and pairs of words learns on `train` and scores `held_out`.
    Equal input gives equal margins, whatever the number of threads.

    Args:
        train: Columns `positive` and `negative`, and further negatives.
        held_out: The same columns.
        folding: How texts are folded.
        seed: Of the solver.

    Returns:
        Per row of `held_out`: the score of the positive less that of the best negative. 0 is a tie, as is
        every row where `train` has no row, no word or no negatives.
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
        return np.zeros(held_out.height)
    learnt, asked = _texts(train, folding), _texts(held_out, folding)
    if len(learnt.columns) < 2 or len(asked.columns) < 2:
        return np.zeros(held_out.height)
    texts = [text for column in learnt.columns for text in learnt[column].to_list()]
    labels = np.repeat([1, *[0] * (len(learnt.columns) - 1)], train.height)
    # liblinear has one thread of its own and no BLAS with a varying order of sums.
    classifier = LogisticRegression(solver="liblinear", random_state=seed)
    classifier.fit(words.transform(texts), labels)
    positive, *others = (
        np.concatenate(
            [
                classifier.decision_function(words.transform(part[column].to_list()))
                for part in asked.iter_slices(PORTION_ROWS)
            ]
        )
        for column in asked.columns
    )
    margins: NDArray[np.float64] = positive - np.maximum.reduce(others)
    return margins


def misled_by_chance(rows: int, negatives: int) -> float:
    """Return how often at most a negative is taken for the positive where nothing was learned.

    Three standard errors above guessing: one split in seven hundred has more by chance.

    >>> round(misled_by_chance(2_000, 1), 4), misled_by_chance(0, 1)
    (0.5335, 1.0)
    """
    guessed = negatives / (1 + negatives)
    return min(1.0, guessed + 3 * math.sqrt(guessed * (1 - guessed) / rows)) if rows else 1.0


def bm25(held_out: pl.DataFrame, folding: str) -> Hits:
    """Tell positives from negatives by the rare words that they share with the query (BM25).

    How rare a word is, and how long a document usually is, is counted over the distinct positives and
    negatives of these rows.

    Args:
        held_out: Columns `query`, `positive` and `negative`, and further negatives.
        folding: How texts are folded.

    Returns:
        Per row: the positive scored higher than every negative. A tie is a miss, as where the query has no
        word; so is every row of pairs.
    """
    if held_out.is_empty():
        return np.zeros(0, np.bool_)
    sides = _texts(held_out, folding)
    if len(sides.columns) < 2:
        return np.zeros(held_out.height, np.bool_)
    rarity, mean_words = _rarity(pl.concat(sides.get_columns()).unique().to_frame("text"))
    queries = held_out.select(folded(pl.col("query"), folding).fill_null(""))["query"]
    rows = sides.with_columns(query=queries)
    scores = np.concatenate([_scores(part, rarity, mean_words) for part in rows.iter_slices(PORTION_ROWS)])
    hits: Hits = scores[:, 0] > scores[:, 1:].max(axis=1)
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
    """Score each row's positive and negatives by its query, (rows, 1 + negatives)."""
    names = [name for name in rows.columns if name != "query"]
    rows = rows.with_row_index("row")
    asked = _words(rows.select("row", text="query")).select("row", "word").unique()
    sides = pl.concat(
        rows.select("row", text=side, side=pl.lit(number, dtype=pl.UInt32))
        for number, side in enumerate(names)
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
            cell=pl.col("row").cast(pl.Int64) * len(names) + pl.col("side"),
            gain=pl.col("idf") * pl.col("times") * (_K1 + 1) / (pl.col("times") + _K1 * length),
        )
    )
    cells, gains = shared["cell"].to_numpy(), shared["gain"].to_numpy()
    scores = np.bincount(cells, weights=gains, minlength=len(names) * rows.height)
    return scores.astype(np.float64, copy=False).reshape(-1, len(names))


def hard(bag_of_words_hits: Hits, bm25_hits: Hits) -> Hits:
    """Return the rows that both methods miss."""
    return ~(bag_of_words_hits | bm25_hits)


def _texts(rows: pl.DataFrame, folding: str) -> pl.DataFrame:
    """Return the folded positive and negatives of each row; a missing text is an empty one."""
    named = {"positive": rows["positive"].to_list()} | negatives.columns(rows)
    return pl.DataFrame(named, schema=dict.fromkeys(named, pl.String)).select(
        folded(pl.col(name), folding).fill_null("") for name in named
    )


def _words(texts: pl.DataFrame) -> pl.DataFrame:
    """Return one row per word of `text`, with the number of `words` in that text; none for a text without."""
    return (
        texts.with_columns(word=pl.col("text").str.extract_all(_WORD))
        .drop("text")
        .with_columns(words=pl.col("word").list.len())
        .explode("word")
        .drop_nulls("word")
    )
