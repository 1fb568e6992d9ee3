"""The card's example is answered as a user's own program answers it."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from pipeline.params.card import Example
from pipeline.stages.evaluate import usage_example
from tests.support import tiny

ASKED = Example(queries=("w1 w2", "w3"), documents=("w1 w2", "w4 w5", "w3 w6"))


def test_similarities_are_those_of_the_librarys_own_calls(encoder: Path) -> None:
    model = tiny.load(encoder, normalize=True)
    model.prompts = {"query": "w30 ", "document": "w31 "}
    found = usage_example.answer(model, ASKED)
    assert (found.queries, found.documents) == (ASKED.queries, ASKED.documents)
    by_hand = (
        model.encode([f"w30 {one}" for one in ASKED.queries])
        @ model.encode([f"w31 {one}" for one in ASKED.documents]).T
    )
    assert np.array(found.similarities, float) == pytest.approx(by_hand, abs=1e-5)


def test_vector_that_is_no_number_has_no_similarity(encoder: Path) -> None:
    model = tiny.load(encoder)
    with torch.no_grad():
        next(model.parameters()).fill_(math.nan)
    assert usage_example.answer(model, ASKED).similarities == ((None,) * 3,) * 2
