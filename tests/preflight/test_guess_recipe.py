"""Length, batch and margins fit what was found."""

import polars as pl
import pytest

from pipeline.params import load
from pipeline.preflight import guess_recipe
from pipeline.preflight.guesses import Guesses
from tests.support.workspaces import PROJECT

GATE = load(PROJECT).gate


def distinct(rows: int) -> pl.DataFrame:
    return pl.DataFrame({"query": [f"q{n}" for n in range(rows)], "positive": [f"p{n}" for n in range(rows)]})


@pytest.mark.parametrize(
    ("rows", "device", "size"),
    [(10_000_000, "cuda", 1024), (10_000, "cpu", 64), (200, "cuda", 8), (3, "cpu", 2)],
)
def test_guess_recipe_takes_a_batch_that_makes_enough_steps(rows: int, device: str, size: int) -> None:
    assert guess_recipe.batch(distinct(min(rows, 1000)), rows, device)[0] == size


def test_guess_recipe_takes_a_smaller_batch_where_few_answers_repeat() -> None:
    few = distinct(1280).with_columns(positive=pl.Series([f"p{n % 20}" for n in range(1280)]))
    size, why = guess_recipe.batch(few, 1280, "cpu")
    assert size == 16
    assert "texts repeat so often" in why


def test_guess_recipe_takes_margins_that_shrink_with_the_rows() -> None:
    found = []
    for rows in (100, 4_000):
        guesses = Guesses()
        guess_recipe.limits(guesses, pl.Series([f"q{n}" for n in range(50)]), rows, GATE)
        margins = guesses.values["gate.live_margins"]
        assert all(0 < margins[name] < guesses.values["gate.anchor_margins"][name] <= 1 for name in margins)
        assert guesses.values["gate.min_clusters"] == min(1000, rows // 2)
        found.append(margins["accuracy"])
    assert found[1] < found[0] / 4


def test_guess_recipe_counts_a_query_of_many_rows_as_one_cluster() -> None:
    guesses = Guesses()
    guess_recipe.limits(guesses, pl.Series(["Q", "q ", "r", "R"]), 200, GATE)
    assert guesses.values["gate.min_clusters"] == 50
