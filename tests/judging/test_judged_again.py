"""Two verdicts differ where a field does by more than rounding, and the first such field is named."""

import pytest

from pipeline.judging.judged_again import difference


@pytest.mark.parametrize(
    ("here", "wanted", "field"),
    [
        ({"a": 0.1 + 0.2}, {"a": 0.3}, None),
        ({"a": 0.3}, {"a": 0.3001}, "a"),
        ({"a": {"b": True}}, {"a": {"b": 1}}, "a.b"),
        ({"a": 1}, {"a": 1, "b": {"c": 2}}, "b"),
        ({"a": 1, "b": 2}, {"a": 1}, "b"),
    ],
)
def test_difference_is_the_first_one_beyond_rounding(here: object, wanted: object, field: str | None) -> None:
    found = difference(here, wanted)
    assert (found and found[0]) == field
