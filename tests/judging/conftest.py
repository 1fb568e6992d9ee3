"""Two cases that the simulation draws; nobody changes them."""

import pytest

from bench.gate.draws import EQUAL, Truth, draw
from pipeline.judging.verdict import Evidence
from tests.support.simulated import ROWS


@pytest.fixture(scope="session")
def equal() -> Evidence:
    """A candidate that is truly equal to live and anchor."""
    return draw(ROWS, EQUAL, seed=3)


@pytest.fixture(scope="session")
def first() -> Evidence:
    """A candidate with no live model and no anchor beside it."""
    return draw(ROWS, {"candidate": Truth()}, seed=3)
