"""Lines of persons are found with and without their country, and nothing that only looks like one."""

import pytest

from pipeline.dataset.telephones import stand_in


@pytest.mark.parametrize(
    ("text", "countries", "found"),
    [
        ("ara: 0532 123 45 67", ["TR"], True),
        ("ara: (0212) 555-12-34", ["TR"], True),
        ("ara: 5321234567", ["TR"], True),
        ("ara: 5321234567", ["DE"], False),
        ("çağrı merkezi 0850 222 00 00", ["TR"], False),
        ("444 0 375", ["TR"], False),
        ("+49 151 23456789", [], True),  # with its country code anywhere
        ("0151 23456789", ["DE"], True),
        ("0151 23456789", ["FR"], False),
        ("call (415) 555-2671", ["US"], True),
        ("call 1-800-555-0199", ["US"], False),
        ("192.168.100.200", ["US", "GB"], False),
        ("5321234567 TL", ["TR"], False),
        ("order 20260101123456", ["US", "DE", "TR"], False),
    ],
)
def test_telephones_of_persons_stand_in_a_text(text: str, countries: list[str], found: bool) -> None:
    assert stand_in(text, countries) is found
