"""A number with a unit behind it is an amount."""

import pytest

from pipeline.dataset.number_edges import is_amount, is_amount_abroad


@pytest.mark.parametrize(
    ("text", "here", "abroad"),
    [
        ("25 TL", True, True),
        ("25'er adet", True, True),
        ("25 dollars", False, True),
        ("25 Stück", False, True),
        ("25 gb", True, True),
        ("25 to you", False, False),
        ("25", False, False),
        ("25 tlf", False, False),
    ],
)
def test_number_edges_know_units_here_and_abroad(text: str, here: bool, abroad: bool) -> None:
    assert (is_amount(text, 2), is_amount_abroad(text, 2)) == (here, abroad)
