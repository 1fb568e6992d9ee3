"""Two ways to tell a positive from a negative without understanding; what both miss is the hard subset.

Annotators and generators leave traces of style in negatives (Gururangan et al. 2018,
https://arxiv.org/abs/1803.02324). Where a classifier that never sees the query does well, triplet accuracy
partly measures that style.
"""

from collections import Counter

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.folding import fold, folded

_K1, _B = 1.2, 0.75  # Robertson and Zaragoza 2009, https://doi.org/10.1561/1500000019


def bag_of_words(train: pl.DataFrame, held_out: pl.DataFrame) -> NDArray[np.bool_]:
    """Tell which rows a classifier over words gets right that was trained on train's documents.

    Args:
        train: positive, negative.
        held_out: The same columns.

    Returns:
        (rows,): whether the positive looks more like one than the negative does; a tie is a miss.
    """
    from sklearn.feature_extraction.text import HashingVectorizer  # type: ignore[import-untyped]
    from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]

    words = HashingVectorizer(preprocessor=fold, token_pattern=r"\w+", ngram_range=(1, 2), n_features=1 << 18)
    texts = [*train["positive"], *train["negative"]]
    labels = np.repeat([1, 0], train.height)
    model = LogisticRegression(C=10.0, max_iter=200).fit(words.transform(texts), labels)
    positive, negative = (
        model.decision_function(words.transform(held_out[column].to_list()))
        for column in ("positive", "negative")
    )
    hits: NDArray[np.bool_] = positive > negative
    return hits


def bm25(held_out: pl.DataFrame) -> NDArray[np.bool_]:
    """Tell which rows BM25 gets right: the positive shares more rare words with the query.

    Word frequencies are those of the split's own distinct documents.
    """
    words = held_out.select(
        folded(pl.col(column)).str.extract_all(r"\w+") for column in ("query", "positive", "negative")
    )
    documents = pl.concat([words["positive"], words["negative"]])
    frequency: Counter[str] = Counter(word for document in documents.unique() for word in set(document))
    count = documents.n_unique()
    mean = max(1.0, float(documents.list.len().mean() or 0))  # type: ignore[arg-type]

    def score(query: list[str], document: list[str]) -> float:
        inside = Counter(document)
        total = 0.0
        for word in set(query):
            if inside[word]:
                rarity = np.log1p((count - frequency[word] + 0.5) / (frequency[word] + 0.5))
                length = 1 - _B + _B * len(document) / mean
                total += rarity * inside[word] * (_K1 + 1) / (inside[word] + _K1 * length)
        return float(total)

    return np.array(
        [score(query, positive) > score(query, negative) for query, positive, negative in words.iter_rows()],
        dtype=bool,
    )
