"""Which rows a card may show where nobody said it."""

import pytest

from pipeline.params.card import CardParams, policy

CARD = {
    "domain": "d",
    "example": {"queries": ("q",), "documents": ("d",)},
    "approved_rows": {},
    "citations": False,
}


@pytest.mark.parametrize(
    ("rows", "private", "shown"),
    [(None, False, "all"), (None, True, "none"), ("approved", False, "approved"), ("all", True, "all")],
)
def test_rows_of_a_private_data_set_are_not_shown_unless_asked(
    rows: str | None, private: bool, shown: str
) -> None:
    assert policy(CardParams.model_validate(CARD | {"rows": rows}), private) == shown
