"""The shortcut test sees style where there is some, and none where there is none."""

import polars as pl

from pipeline.shortcut import bag_of_words, bm25


def rows(count: int, negative: str) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "query": [f"soru {place}" for place in range(count)],
            "positive": [f"cevap {place} evet" for place in range(count)],
            "negative": [f"cevap {place + 1} {negative}" for place in range(count)],
        }
    )


def test_bag_of_words_tells_negatives_by_a_word_that_only_they_have() -> None:
    assert bag_of_words(rows(50, "yalnızca"), rows(20, "yalnızca")).all()


def test_bag_of_words_misses_where_both_texts_look_alike() -> None:
    held = pl.DataFrame({"query": ["a"] * 4, "positive": ["evet"] * 4, "negative": ["evet"] * 4})
    assert not bag_of_words(rows(50, "evet"), held).any()


def test_bm25_prefers_the_document_with_the_rare_word_of_the_query() -> None:
    held = pl.DataFrame(
        {
            "query": ["iptal ücreti", "iptal", "hiç", "", "KAMPANYA"],
            "positive": ["iptal ücreti yok", "hat", "a b", "c", "kampanya var"],
            "negative": ["bir ücret var", "iptal", "c d", "d", "tarife var"],
        }
    )
    assert bm25(held).tolist() == [True, False, False, False, True]


def test_shortcuts_of_a_single_row_have_an_answer() -> None:
    one = rows(1, "hayır")
    assert len(bm25(one)) == len(bag_of_words(one, one)) == 1
