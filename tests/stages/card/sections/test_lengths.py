"""A cut is said only where one was made."""

import pytest

from pipeline.records import Audit
from pipeline.stages.card.sections import lengths
from tests.support.golden_records import GOLDEN


def audit(train: int, test: int) -> Audit:
    splits = {
        name: split.model_copy(
            update={
                "tokens": {one: found.model_copy(update={"max": most}) for one, found in split.tokens.items()}
            }
        )
        for (name, split), most in zip(
            (item for item in GOLDEN.audit.splits.items() if item[0] in {"train", "test"}),
            (train, test),
            strict=True,
        )
    }
    return GOLDEN.audit.model_copy(update={"splits": splits})


@pytest.mark.parametrize(
    ("limit", "said", "untested"),
    [
        (
            64,
            "trained on has 40, the longest text that it was tested on has 50",
            "Texts of more than 50 tokens",
        ),
        (
            50,
            "trained on has 40, the longest text that it was tested on has 50",
            "behind its first 50 tokens",
        ),
        (
            45,
            "trained on has 40, the longest text that it was tested on has 50 and was cut to 45",
            "behind its first 45",
        ),
        (30, "trained on has 40 and was cut to 30", "behind its first 30 tokens is not read"),
    ],
)
def test_lengths_name_a_cut_where_one_was_made(limit: int, said: str, untested: str) -> None:
    found = lengths.context(audit(40, 50), limit, tested=["test"], probed=True)
    assert said in found["lengths"]
    assert untested in found["untested"]
    assert "outside of the domain" not in found["untested"]
    assert (
        "nothing outside of the domain was tested"
        in lengths.context(audit(40, 50), limit, tested=["test"], probed=False)["untested"]
    )


def test_lengths_that_nobody_measured_say_so() -> None:
    assert (
        lengths.context(audit(0, 0), 64, tested=["test"], probed=True)["lengths"]
        == "how long the texts are was not measured"
    )
