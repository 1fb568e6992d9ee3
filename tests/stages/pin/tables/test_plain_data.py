"""What somebody else's YAML gave is copied as JSON has it, or refused."""

import datetime
from typing import Any

import pytest

from pipeline.errors import InvalidData
from pipeline.stages.pin.tables.plain_data import plain


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(depth):
        value = {"a": value}
    return value


def test_plain_data_is_copied_with_its_keys_as_text() -> None:
    shared = [1, None, "x"]
    found = plain({1: shared, "two": {"again": shared, "is": True}}, "data set o/n")
    assert found == {"1": [1, None, "x"], "two": {"again": [1, None, "x"], "is": True}}
    assert found["1"] is not shared


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([], "declares a list where a mapping should stand"),
        ({"day": datetime.date(2026, 1, 1)}, "declares a date for a config"),
        ({"bytes": b"x"}, "declares a bytes for a config"),
        (nested(50), "or deeper than 40"),
        ({"many": [0] * 100_001}, "more than 100,000 values"),
    ],
)
def test_plain_data_refuses_the_rest(value: Any, said: str) -> None:
    with pytest.raises(InvalidData, match=said):
        plain(value, "data set o/n")


def test_plain_data_ends_where_aliases_do_not() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(InvalidData, match="or deeper than 40"):
        plain({"a": endless}, "data set o/n")
