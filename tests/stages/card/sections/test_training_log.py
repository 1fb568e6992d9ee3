"""The log of a training fits the page, and what does not is folded."""

from typing import Any

from pipeline.stages.card.sections import training_log
from tests.support.golden_records import GOLDEN


def test_log_has_a_row_per_point_and_the_ends_of_the_widths() -> None:
    found = training_log.context(GOLDEN.metrics, GOLDEN.training)
    assert found["log_columns"] == [
        "epoch",
        "step",
        "training loss",
        "validation loss",
        "dev at 384",
        "dev at 64",
    ]
    assert len(found["logs"]) == len(GOLDEN.training.curve)
    assert {len(row) for row in found["logs"]} == {6}
    assert len(found["wide_log_columns"]) == 12


def test_wide_log_has_the_held_out_split_at_its_ends_alone() -> None:
    found = training_log.context(GOLDEN.metrics, GOLDEN.training)
    place = found["wide_log_columns"].index("test at 384")
    cells = [row[place] for row in found["wide_log"]]
    base, ours = (GOLDEN.metrics.models[name].splits["test"].triplets[384] for name in ("base", "candidate"))
    assert (cells[0], cells[-1]) == (f"{base.accuracy:.4f}", f"{ours.accuracy:.4f}")
    assert set(cells[1:-1]) == {"-"}


def test_log_of_few_columns_is_not_folded() -> None:
    def one(scores: Any) -> Any:
        return scores.model_copy(update={"triplets": {384: scores.triplets[384]}})

    models: Any = {
        name: model.model_copy(
            update={"splits": {split: one(found) for split, found in model.splits.items()}}
        )
        for name, model in GOLDEN.metrics.models.items()
    }
    found = training_log.context(GOLDEN.metrics.model_copy(update={"models": models}), GOLDEN.training)
    assert found["log_columns"][4:] == ["dev at 384", "test at 384"]
    assert found["wide_log"] == []


def test_log_of_pairs_has_losses_alone() -> None:
    def none(scores: Any) -> Any:
        return scores.model_copy(update={"triplets": {}})

    models: Any = {
        name: model.model_copy(
            update={"splits": {split: none(found) for split, found in model.splits.items()}}
        )
        for name, model in GOLDEN.metrics.models.items()
    }
    found = training_log.context(GOLDEN.metrics.model_copy(update={"models": models}), GOLDEN.training)
    assert found["log_columns"] == ["epoch", "step", "training loss", "validation loss"]
    assert found["wide_log"] == []
