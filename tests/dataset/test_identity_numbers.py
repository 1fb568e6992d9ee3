"""Identity numbers count where their check digits hold, in texts of the countries that are asked for."""

import pytest

from pipeline.dataset import identity_numbers


@pytest.mark.parametrize(
    ("text", "countries", "found"),
    [
        ("my number is 123-45-6789", ["US"], True),
        ("my number is 000-45-6789", ["US"], False),
        ("my number is 123-45-6789", ["DE"], False),
        ("meine Nummer 36 574 261 809", ["DE"], True),
        ("meine Nummer 36 574 261 808", ["DE"], False),
        ("mi DNI 54362315-K", ["ES"], True),
        ("mi DNI 54362315-A", ["ES"], False),
        ("mi NIE X-2482300W", ["ES"], True),
        ("NHS 943 476 5870", ["GB"], True),
        ("NHS 943 476 5871", ["GB"], False),
        ("numéro 2 95 10 99 126 111 93", ["FR"], True),
        ("in all 943 476 5870 people", ["GB"], False),
        ("order A123-45-6789", ["US"], False),
    ],
)
def test_identity_numbers_of_a_country_stand_in_a_text(text: str, countries: list[str], found: bool) -> None:
    assert identity_numbers.stand_in(text, countries) is found
