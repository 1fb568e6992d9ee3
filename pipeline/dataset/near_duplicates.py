"""Which texts are near-duplicates: MinHash proposes pairs, exact similarity and their signals decide.

Similarity is Jaccard's, of the sets of character shingles of two folded texts, punctuation aside. MinHash
(Broder 1997, https://doi.org/10.1109/SEQUEN.1997.666900) by rensa; bands of its values find the pairs worth
comparing (Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, ch. 3). A band is mixed with the text's
signals (see `pipeline.dataset.numbers_and_negation`), so that a changed number or a negation never meets its
original.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.dataset.minhash import bands, letters_and_digits
from pipeline.dataset.normalize import folded
from pipeline.dataset.numbers_and_negation import signals
from pipeline.params.audit import NearDuplicateParams

_PROPOSING_BANDS = 2
_MANY_BANDS = 24  # with fewer of them one has to do
_PIECE = 4_000_000  # pairs of bands looked at together: some hundred MB


@dataclass(frozen=True)
class Index:
    """Texts that can be asked for near-duplicates of others.

    Attributes:
        texts: Folded and distinct.
        bands: Their bands, sorted.
        owners: Which text each entry of `bands` belongs to.
        folding: How the texts were folded.
    """

    texts: pl.Series
    bands: NDArray[np.uint64]
    owners: NDArray[np.int32]
    params: NearDuplicateParams
    folding: str


def index(texts: pl.Series, params: NearDuplicateParams, folding: str) -> Index:
    """Index folded, distinct texts."""
    found = bands(texts, params, folding)
    count = max(1, found.shape[1])
    order = np.argsort(found, axis=None, kind="stable")
    ordered = found.ravel()[order]
    del found  # each of the three is half a gigabyte for two million texts
    order //= count
    return Index(texts, ordered, order.astype(np.int32), params, folding)


def pairs(indexed: Index, texts: pl.Series) -> NDArray[np.int64]:
    """Find which texts are near-duplicates of indexed ones, folded as those are; equal ones are not counted.

    Returns:
        (pairs, 2): number of the text, number of the indexed text; sorted, each once.

    Example:
        >>> params = NearDuplicateParams(shingle_characters=3, permutations=128, min_similarity=0.7)
        >>> texts = pl.Series(["numaramı nasıl taşırım", "faturam neden 25 lira arttı"])
        >>> held_out = index(texts, params, "tr")
        >>> asked = pl.Series(["numaramı nasıl taşırım ki", "faturam neden 35 lira arttı"])
        >>> pairs(held_out, asked).tolist()
        [[0, 0]]

        Another amount is another question, however alike the letters are:

        >>> round(similarity("faturam neden 25 lira arttı", "faturam neden 35 lira arttı", 3), 2)
        0.79
    """
    folding = indexed.folding
    asked = bands(texts, indexed.params, folding)
    width, count = indexed.params.shingle_characters, asked.shape[1]
    least = _PROPOSING_BANDS if count >= _MANY_BANDS else 1
    found = [np.empty((0, 2), np.int64)]
    left = np.searchsorted(indexed.bands, asked, side="left")
    shared = np.searchsorted(indexed.bands, asked, side="right") - left
    for begin, end in pairwise(_pieces(shared.sum(axis=1))):
        proposed = _proposed(indexed, left[begin:end], shared[begin:end], least) + np.array([begin, 0])
        ours_text, their_text = texts.gather(proposed[:, 0]), indexed.texts.gather(proposed[:, 1])
        agree = (ours_text != their_text) & (signals(ours_text, folding) == signals(their_text, folding))
        ours_text, their_text = ours_text.filter(agree), their_text.filter(agree)
        compared = zip(
            letters_and_digits(ours_text, folding), letters_and_digits(their_text, folding), strict=True
        )
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
    """Return the pairs (text, indexed text) that share at least so many bands; sorted, each once."""
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


def components(texts: pl.Series, params: NearDuplicateParams, foldings: Sequence[str]) -> NDArray[np.int64]:
    """Number the texts so that near-duplicates, and their near-duplicates, share a number.

    Equal texts do too. Both count where any of the foldings says so.

    Example:
        >>> params = NearDuplicateParams(shingle_characters=3, permutations=128, min_similarity=0.7)
        >>> texts = pl.Series(["Numaramı nasıl taşırım", "hattımı iptal et", "numaramı nasıl taşırım ki"])
        >>> components(texts, params, ["tr"]).tolist()
        [0, 1, 0]
    """
    from scipy.sparse import coo_matrix  # type: ignore[import-untyped]
    from scipy.sparse.csgraph import connected_components  # type: ignore[import-untyped]

    frame = texts.to_frame("raw").with_row_index("row")
    edges = [np.empty((0, 2), np.int64)]
    for folding in foldings:
        found = frame.select("row", text=folded(pl.col("raw"), folding))
        distinct = found.unique("text", keep="first", maintain_order=True)
        near = pairs(index(distinct["text"], params, folding), distinct["text"])
        edges.append(distinct["row"].to_numpy()[near])
        equal = found.join(distinct, on="text", nulls_equal=True).select("row", "row_right")
        edges.append(equal.to_numpy())
    ends = np.concatenate(edges).astype(np.int64)
    graph = coo_matrix((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(len(texts), len(texts)))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)
