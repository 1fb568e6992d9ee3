"""Widths and languages of the model."""

import pytest
from pydantic import ValidationError

from pipeline.params.model import ModelParams

MODEL = {
    "name": "m",
    "language": None,
    "license": None,
    "dims": (8, 4),
    "max_seq_length": 16,
    "prompts": {"query": "", "document": ""},
}


@pytest.mark.parametrize("dims", [(4, 8), (8, 8), (8, 0), ()])
def test_widths_are_largest_first_each_once(dims: tuple[int, ...]) -> None:
    assert ModelParams.model_validate(MODEL).dims == (8, 4)
    with pytest.raises(ValidationError, match=r"largest first|at least 1 item"):
        ModelParams.model_validate(MODEL | {"dims": dims})


def test_languages_of_the_card_are_the_data_sets_where_none_are_said() -> None:
    model = ModelParams.model_validate(MODEL)
    assert model.languages(("tr", "und", "en")) == ["tr", "en"]
    assert model.model_copy(update={"language": ("de",)}).languages(("tr",)) == ["de"]
    assert model.model_copy(update={"language": ()}).languages(("tr",)) == []
