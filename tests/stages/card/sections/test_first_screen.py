"""What a reader sees first."""

import pytest

from pipeline.records import Outcome
from pipeline.stages.card.sections import first_screen
from tests.support.golden_records import GOLDEN, difference, scored

PASSED = GOLDEN.verdict


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        ("passed", "passed its gate"),
        ("failed", "was refused by its gate and is not released"),
        ("underpowered", "is undecided and not released"),
        ("not_comparable", "could not be compared and is not released"),
        ("test_spent", "could not be judged and is not released"),
    ],
)
def test_first_screen_says_the_outcome(outcome: Outcome, said: str) -> None:
    verdict = PASSED.model_copy(update={"outcome": outcome, "passed": outcome == "passed"})
    assert first_screen.context(GOLDEN.metrics, verdict, "test", "v2")["outcome"] == said


def test_table_has_the_full_and_the_smallest_width_and_each_other_model() -> None:
    found = first_screen.context(scored(200), PASSED, "test", "v2")
    assert found["first_columns"] == ["base", "live", "this model", "against base", "against live"]
    widths = sorted(GOLDEN.metrics.candidate.splits["test"].retrieval)
    names = [row[0] for row in found["first_rows"]]
    assert names == [
        f"{metric} at {dim:,}" for metric in ("accuracy", "nDCG@10") for dim in (widths[-1], widths[0])
    ]
    assert all(len(row) == 6 for row in found["first_rows"])


def test_table_of_a_first_release_has_no_live_model() -> None:
    verdict = PASSED.model_copy(update={"comparisons": {}, "reported": {}})
    found = first_screen.context(scored(200, models=("base", "candidate")), verdict, "test", "v2")
    assert found["first_columns"] == ["base", "this model"]
    assert "A difference is" not in found["first_note"]


@pytest.mark.parametrize(("documents", "said"), [(1200, "queries among 1,200 texts."), (None, "queries.")])
def test_note_says_among_how_many_texts_where_that_is_known(documents: int | None, said: str) -> None:
    note = first_screen.context(scored(documents), PASSED, "test", "v2")["first_note"]
    assert said in note
    assert "not proven" in note


@pytest.mark.parametrize(
    ("reported", "said"),
    [
        ({}, None),
        ({"live_hard_384": difference(0.1, 0.05, 0.2)}, None),
        (
            {"live_hard_384": difference(-0.1, -0.2, -0.05)},
            "it is worse than live in accuracy at 384: -0.1000 (-0.2000 to -0.0500) on 120 rows.",
        ),
        (
            {"base_hard_384": difference(-0.1, -0.2, 0.05)},
            "it looks worse than the base in accuracy at 384: -0.1000",
        ),
    ],
)
def test_hard_subset_that_fell_is_said(reported: dict[str, object], said: str | None) -> None:
    verdict = PASSED.model_copy(update={"comparisons": {}, "reported": reported})
    found = first_screen.context(GOLDEN.metrics, verdict, "test", "v2")["hard_fell"]
    assert found is None if said is None else said in found
