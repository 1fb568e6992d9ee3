"""Which texts are one where several languages have a say."""

import polars as pl
import pytest

from pipeline.dataset.normalize import linked, replaced, same, sameness


def test_one_folding_makes_nothing_one_that_it_folds_apart() -> None:
    texts = pl.Series(["MY ID", "my id", None])
    assert same(texts, ["tr"]).to_list() == ["my ıd", "my id", None]
    assert same(texts, ["en"]).to_list() == ["my id", "my id", None]


@pytest.mark.parametrize("foldings", [["tr", "en"], ["en", "tr"], ["tr", "en", "und"]])
def test_texts_are_one_where_any_folding_says_so_and_so_on(foldings: list[str]) -> None:
    texts = pl.Series(["ID", "ıd", "id", "İD", "ad", None])
    found = same(texts, foldings).to_list()
    assert len(set(found[:4])) == 1  # tr: ID and ıd, id and İD; en: ID and id
    assert found[4:] == ["ad", None]


def test_what_joins_two_texts_must_be_there() -> None:
    assert len(set(same(pl.Series(["ıd", "id"]), ["tr", "en"]))) == 2


def test_a_chain_is_found_over_many_keys() -> None:
    count = 500
    keyed = pl.DataFrame(
        {
            "a": [f"a{row // 2:03}" for row in range(count)],
            "b": [f"b{(row + 1) // 2:03}" for row in range(count)],
        }
    )
    merged = linked(keyed)
    assert set(replaced(keyed["a"], merged)) == {"a000"}
    assert set(merged["into"]) == {"a000"}


def test_keys_over_a_whole_data_set_equal_where_texts_are_one() -> None:
    portions = [pl.Series(["MY ID", "other"]), pl.Series(["my id", None])]
    found = sameness(portions, ["tr", "en"])
    first, second = (found.keys(portion) for portion in portions)
    assert first[0] == second[0] != first[1]
    assert second[1] is None
    alone = sameness(portions, ["tr"])
    assert alone.keys(portions[0])[0] != alone.keys(portions[1])[0]
