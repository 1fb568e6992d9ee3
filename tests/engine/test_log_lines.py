"""A training says in words what it logs; what is no news it leaves out."""

import re
from pathlib import Path
from typing import Literal

import pytest

from pipeline.engine import log_lines
from pipeline.engine.fit import fit
from pipeline.engine.recipe import Hardware, Recipe
from tests.support import tiny

LINE = re.compile(
    r"step [0-3] of 3: (loss \d+\.\d{4}, gradient norm [\d.e+-]+, learning rate [\d.e+-]+"
    r"|on dev loss \d+\.\d{4}, accuracy [\d.]+ at 16, [\d.]+ at 8)"
)


def test_log_line_says_a_loss_and_an_evaluation_and_nothing_of_the_clock() -> None:
    assert log_lines.line(3, 1_200, {"loss": 6.00831}) == "step 3 of 1,200: loss 6.0083"
    assert (
        log_lines.line(0, 8, {"eval_loss": 10.5, "eval_runtime": 1.0}) == "step 0 of 8: on dev loss 10.5000"
    )
    assert log_lines.line(8, 8, {"train_runtime": 12.0, "train_loss": 1.0}) is None


@pytest.mark.parametrize("engine", ["katman", "stock"])
def test_training_prints_a_line_for_each_loss_and_evaluation(
    encoder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], engine: Literal["katman", "stock"]
) -> None:
    texts = [tiny.text([(number + shift) % 38 for shift in range(4)]) for number in range(12)]
    rows = {"query": texts, "positive": texts[1:] + texts[:1], "negative": texts[2:] + texts[:2]}
    recipe = Recipe(dims=(16, 8), batch_size=2, mini_batch_size=2, eval_steps=1, max_steps=3, engine=engine)
    fit(tiny.load(encoder), rows, rows, recipe, Hardware(threads=1), tmp_path)
    said = [each for each in capsys.readouterr().out.splitlines() if each]
    assert len(said) == 7  # the base, and at each step a loss and an evaluation
    assert [each for each in said if not LINE.fullmatch(each)] == []
