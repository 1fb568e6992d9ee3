"""A reader is told what is data, and nothing that is code."""

import pytest

from pipeline.errors import InvalidData
from pipeline.stages.pin.tables.reader_options import OPTIONS, allowed


def test_reader_options_let_data_through_and_leave_the_rest_out() -> None:
    given = {"sep": ";", "quotechar": "'", "storage_options": {"token": "x"}, "unheard_of": 1}
    assert allowed("csv", given, "data set o/n") == {"sep": ";", "quotechar": "'"}
    assert allowed("arrow", given, "data set o/n") == {}
    assert allowed("json", {"field": "rows"}, "data set o/n") == {"field": "rows"}


@pytest.mark.parametrize("name", ["converters", "fragment_scan_options"])
@pytest.mark.parametrize("reader", sorted(OPTIONS))
def test_reader_options_refuse_code_for_every_reader(reader: str, name: str) -> None:
    with pytest.raises(InvalidData, match=f"^data set o/n sets {name} in its README, which is no plain data"):
        allowed(reader, {name: {}}, "data set o/n")
