"""Two methods that cannot understand: what they get right, and their answer where nothing is to be told."""

import math
import re
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from pipeline.dataset.languages.tr import fold
from pipeline.stages.audit.shortcut import bm25, hard, misled_by_chance, sample, word_margins
from sample.telecom import write_dataset


def triplets(*rows: tuple[str | None, str | None, str | None]) -> pl.DataFrame:
    names = ("query", "positive", "negative")
    return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")


@pytest.fixture(scope="module")
def splits(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pl.DataFrame]:
    folder: Path = tmp_path_factory.mktemp("sample")
    write_dataset(folder)
    return {
        name: pl.read_parquet(folder / "data" / f"{name}.parquet") for name in ("train", "validation", "test")
    }


def polite(rows: int, seed: int) -> pl.DataFrame:
    """Triplets whose positive is always polite, whatever it says."""
    chosen = np.random.default_rng(seed).integers(0, 500, (rows, 3))
    return triplets(*((f"soru {a}", f"konu {b} lütfen", f"konu {c} hemen") for a, b, c in chosen))


def hits(train: pl.DataFrame, held_out: pl.DataFrame, folding: str, seed: int = 1) -> NDArray[np.bool_]:
    """Say which positives the word classifier prefers."""
    return word_margins(train, held_out, folding, seed) > 0


def test_audit_bag_of_words_is_misled_where_labels_changed_places() -> None:
    swapped = polite(200, 1).rename({"positive": "negative", "negative": "positive"})
    assert (word_margins(swapped, polite(50, 2), "tr") < 0).all()
    unknown = triplets(*(("soru", "bir", "iki") for _ in range(9)))
    assert (word_margins(swapped, unknown, "tr") == 0).all(), "a tie misleads nobody"


@pytest.mark.parametrize(
    ("rows", "negatives", "most"), [(400, 1, 0.575), (10_000, 1, 0.515), (400, 3, 0.815), (4, 1, 1.0)]
)
def test_audit_says_how_often_chance_misleads(rows: int, negatives: int, most: float) -> None:
    assert misled_by_chance(rows, negatives) == pytest.approx(most, abs=0.0005)


def test_audit_bag_of_words_sees_a_style() -> None:
    assert hits(polite(200, 1), polite(50, 2), "tr", seed=1).all()


def test_audit_bag_of_words_is_blind_to_the_query() -> None:
    rng = np.random.default_rng(3)
    pairs = [(f"konu {a}", f"konu {b}") for a, b in rng.integers(0, 300, (2000, 2))]
    rows = triplets(*((a, a, b) for a, b in pairs))
    share = hits(rows.head(1000), rows.tail(1000), "tr", seed=1).mean()
    assert 0.4 < share < 0.6
    assert bm25(rows.tail(1000), "tr").mean() > 0.95


def test_audit_shortcuts_are_the_same_twice(splits: dict[str, pl.DataFrame]) -> None:
    train, test = splits["train"], splits["test"]
    first = hits(train, test, "tr", seed=1)
    assert (first == hits(train, test, "tr", seed=1)).all()
    assert (bm25(test, "tr") == bm25(test, "tr")).all()
    assert first.dtype == np.bool_
    assert first.shape == bm25(test, "tr").shape == (test.height,)


def plain_bm25(rows: pl.DataFrame) -> list[bool]:
    """BM25 as the book writes it, one text at a time."""
    texts = [[fold(text or "") for text in row] for row in rows.rows()]
    documents = {text: Counter(re.findall(r"\w+", text)) for row in texts for text in row[1:]}
    mean = sum(counts.total() for counts in documents.values()) / len(documents)
    appears = Counter(word for counts in documents.values() for word in counts)

    def score(query: str, document: str) -> float:
        counts = documents[document]
        total = 0.0
        for word in sorted(set(re.findall(r"\w+", query)) & set(counts)):
            idf = math.log(1 + (len(documents) - appears[word] + 0.5) / (appears[word] + 0.5))
            saturated = counts[word] + 1.2 * (1 - 0.75 + 0.75 * counts.total() / mean)
            total += idf * counts[word] * 2.2 / saturated
        return total

    return [score(query, positive) > score(query, negative) + 1e-12 for query, positive, negative in texts]


def test_audit_bm25_is_that_of_the_book(splits: dict[str, pl.DataFrame]) -> None:
    rows = splits["test"].select("query", "positive", "negative").head(400)
    assert bm25(rows, "tr").tolist() == plain_bm25(rows)


def test_audit_bm25_prefers_the_rarer_word() -> None:
    rows = triplets(
        ("fatura iptali", "iptali nasıl olur", "fatura nasıl olur"),
        ("x", "fatura bir", "fatura iki"),
        ("y", "fatura üç", "fatura dört"),
    )
    assert bm25(rows, "tr").tolist() == [True, False, False]


def test_audit_bm25_folds_words_as_turkish_does() -> None:
    assert bm25(triplets(("IŞIK İPTALİ", "ışık iptali", "isik ıptalı")), "tr").tolist() == [True]


TIES = triplets(
    ("soru", "aynı metin", "aynı metin"),
    ("soru", "bir iki", "iki bir"),
    ("soru", "...", "?!"),
    ("", "", ""),
    (None, None, None),
)


def test_audit_shortcuts_miss_ties() -> None:
    assert not hits(polite(50, 1), TIES, "tr", seed=1).any()
    assert not bm25(TIES, "tr").any()
    assert hard(hits(polite(50, 1), TIES, "tr", seed=1), bm25(TIES, "tr")).all()


@pytest.mark.parametrize(
    "train", [polite(0, 1), TIES, triplets(("", "...", "?")), triplets((None, None, None))]
)
def test_audit_bag_of_words_learns_nothing_from_nothing(train: pl.DataFrame) -> None:
    assert not hits(train, polite(20, 2), "tr", seed=1).any()


def test_audit_shortcuts_answer_for_one_row_and_for_none() -> None:
    one = triplets(("fatura iptali", "fatura iptali lütfen", "hat hemen"))
    assert hits(one, one, "tr", seed=1).tolist() == [True]
    assert bm25(one, "tr").tolist() == [True]
    for empty in (hits(one, one.clear(), "tr", seed=1), bm25(one.clear(), "tr")):
        assert empty.shape == (0,)
        assert empty.dtype == np.bool_


def test_audit_hard_rows_are_those_that_both_miss() -> None:
    first, second = np.array([True, True, False, False]), np.array([True, False, True, False])
    assert hard(first, second).tolist() == [False, False, False, True]


def test_audit_draws_the_rows_to_learn_from_over_the_whole_split(tmp_path: Path) -> None:
    path = tmp_path / "train.parquet"
    pl.DataFrame({"row": range(1000)}).write_parquet(path)
    drawn = sample(path, 100)["row"]
    assert drawn.n_unique() == 100
    assert drawn.is_sorted()
    assert 300 < float(drawn.to_numpy().mean()) < 700
    assert drawn.equals(sample(path, 100)["row"])
    assert sample(path, 5000).height == 1000
