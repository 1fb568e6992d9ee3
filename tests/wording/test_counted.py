"""Counts and lists as a sentence has them."""

import pytest

from pipeline.wording.counted import counted, listed


@pytest.mark.parametrize(
    ("count", "nouns", "said"),
    [
        (1, ("row",), "1 row"),
        (0, ("row",), "0 rows"),
        (2000, ("row",), "2,000 rows"),
        (1, ("query", "queries"), "1 query"),
        (2, ("query", "queries"), "2 queries"),
    ],
)
def test_count_of_one_is_singular(count: int, nouns: tuple[str, ...], said: str) -> None:
    assert counted(count, *nouns) == said


@pytest.mark.parametrize(
    ("parts", "said"), [([], ""), (["a"], "a"), (["a", "b"], "a or b"), (["a", "b", "c"], "a, b or c")]
)
def test_list_joins_its_last_part_by_a_word(parts: list[str], said: str) -> None:
    assert listed(parts, "or") == said
