"""Where a model is wrong, and of which kind the rows are."""

import polars as pl

from pipeline.stages.evaluate.error_analysis import find
from pipeline.stages.evaluate.retrieval import own_texts
from pipeline.stages.evaluate.split import MeasuredSplit


def split(rows: pl.DataFrame) -> MeasuredSplit:
    return MeasuredSplit("test", rows, own_texts(rows, ["tr"]), {}, ("tr",))


def test_evaluate_finds_the_worst_mistakes_and_the_kind_of_rows() -> None:
    rows = pl.DataFrame(
        {
            "row": [3, 5, 7, 9],
            "query": ["a", "b", "c", "d"],
            "group": ["a", "b", "c", "d"],
            "positive": ["25,5 TL öde", "paket açık", "iptal edilir", "fatura geldi"],
            "negative": ["35,5 TL öde", "paket ucuz", "iptal edilmez", "tarife geldi"],
            "component": [0, 1, 2, 3],
        }
    )
    found = find(
        split(rows),
        pl.DataFrame(
            {"row": [9, 7, 5, 3], "cos_positive": [0.5, 0.1, 0.4, 0.2], "cos_negative": [0.5, 0.9, 0.3, 0.4]}
        ),
        32,
    )
    assert found.wrong == 3
    assert list(found.worst) == [7, 3, 9]
    assert found.worst[7].cos_negative == 0.9
    assert (found.kinds["signal"].accuracy, found.kinds["signal"].rows) == (0.0, 2)
    assert (found.kinds["other"].accuracy, found.kinds["other"].rows) == (0.5, 2)


def test_evaluate_of_a_model_without_mistakes_shows_none() -> None:
    rows = pl.DataFrame(
        {"row": [0], "query": ["a"], "group": ["a"], "positive": ["p"], "negative": ["n"], "component": [0]}
    )
    scored = pl.DataFrame({"row": [0], "cos_positive": [0.9], "cos_negative": [0.1]})
    found = find(split(rows), scored, 32)
    assert (found.wrong, found.worst, set(found.kinds)) == (0, {}, {"other"})
