"""Tables of scores: a row per width and model, and none for a part that is the whole."""

from typing import Any

from pipeline.records import Metrics
from pipeline.stages.card.sections import score_tables
from tests.support.golden_records import GOLDEN, scored


def with_slices(slices: dict[str, dict[str, int]]) -> Metrics:
    """Give every model the same score on parts of so many rows."""
    one = next(iter(GOLDEN.metrics.candidate.splits["test"].triplets.values()))
    parts = {
        column: {value: one.model_copy(update={"rows": rows}) for value, rows in values.items()}
        for column, values in slices.items()
    }
    models: Any = {
        name: model.model_copy(
            update={
                "splits": model.splits | {"test": model.splits["test"].model_copy(update={"slices": parts})}
            }
        )
        for name, model in GOLDEN.metrics.models.items()
    }
    return GOLDEN.metrics.model_copy(update={"models": models})


def test_part_that_is_the_whole_says_nothing() -> None:
    whole = next(iter(GOLDEN.metrics.candidate.splits["test"].triplets.values())).rows
    metrics = with_slices({"rows": {"new": whole}, "plan": {"a|b": 3, "c": whole - 3}})
    rows = score_tables.context(metrics, GOLDEN.pin, "test")["slices"]
    assert [row[:2] for row in rows] == [[r"plan is a\|b", "3"], ["plan is c", f"{whole - 3:,}"]]
    assert {len(row) for row in rows} == {2 + len(score_tables.in_order(metrics))}


def test_new_and_old_rows_are_called_so() -> None:
    rows = score_tables.context(with_slices({"rows": {"new": 5, "old": 7}}), GOLDEN.pin, "test")["slices"]
    assert [row[0] for row in rows] == ["new rows", "old rows"]


def test_search_says_among_how_many_texts() -> None:
    known = score_tables.context(scored(1200), GOLDEN.pin, "test")
    assert known["retrieval"][0]["source"].endswith("queries among 1,200 texts")
    assert known["own_documents"]["test"] == " among 1,200 texts"
    unknown = score_tables.context(scored(None), GOLDEN.pin, "test")
    assert unknown["retrieval"][0]["source"].endswith("queries")
    assert unknown["stored_documents"] == ""


def test_model_without_a_width_has_no_row_there() -> None:
    def narrow(scores: Any) -> Any:
        return scores.model_copy(
            update={
                "triplets": {dim: one for dim, one in scores.triplets.items() if dim <= 128},
                "retrieval": {dim: one for dim, one in scores.retrieval.items() if dim <= 128},
            }
        )

    live = GOLDEN.metrics.models["live"]
    live = live.model_copy(update={"splits": {name: narrow(one) for name, one in live.splits.items()}})
    metrics = GOLDEN.metrics.model_copy(update={"models": GOLDEN.metrics.models | {"live": live}})
    found = score_tables.context(metrics, GOLDEN.pin, "test")
    place = found["models"].index("live") + 1
    assert [row[place] == "-" for row in found["triplets"]["test"]["cells"]] == [True, True, False, False]
    assert [row[0] for row in found["retrieval"][0]["cells"] if row[1] == "live"] == ["128", "64"]
