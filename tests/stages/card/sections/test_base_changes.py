"""A card says in what its model is not as its base was, and nothing where it is."""

from typing import Any

import pytest

from pipeline.records import BaseTrial
from pipeline.stages.card.sections.base_changes import sentences

NONE = {"query": "", "document": ""}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"normalize_added": True}, "a module Normalize was added"),
        ({"similarity": "dot"}, 'saved with the similarity `"dot"`'),
        ({"default_prompt": "q: "}, 'It put `"q: "` before every text'),
        ({"truncate_dim": 8}, "It was cut to 8 dimensions"),
        ({"pad_token": "</s>"}, 'this model pads with `"</s>"`'),
    ],
)
def test_base_changes_are_a_sentence_each(changes: dict[str, Any], said: str) -> None:
    trial = BaseTrial(tokens=8, prompts=NONE)
    assert sentences(trial, NONE, NONE) == []
    assert sentences(None, None, NONE) == []
    (found,) = sentences(trial.model_copy(update=changes), NONE, NONE)
    assert said in found
    assert not found.endswith(".")


def test_base_changes_name_the_prompts_that_the_base_was_measured_with() -> None:
    (found,) = sentences(None, {"query": "q: ", "document": ""}, NONE)
    assert 'measured with its own prompts (query `"q: "`, document `""`)' in found
