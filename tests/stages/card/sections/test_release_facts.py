"""What the section on the release says: each sentence only of what was measured, and labelled."""

from typing import Any

import pytest

from pipeline.records import Metrics, Pin, Reembed, Verdict
from pipeline.stages.card.sections import release_facts
from pipeline.wording import words
from tests.support.golden_records import GOLDEN, PARAMS, scored


def context(
    metrics: Metrics = GOLDEN.metrics,
    verdict: Verdict = GOLDEN.verdict,
    pin: Pin = GOLDEN.pin,
    reembed: Reembed = GOLDEN.reembed,
) -> dict[str, Any]:
    return release_facts.context(PARAMS, metrics, verdict, pin, reembed)


def judged(**changes: Any) -> Verdict:
    return GOLDEN.verdict.model_copy(update=changes)


LOSS = words.limit(PARAMS.evaluate.compatible_loss)
MEASURED = {"new_on_old": 0.5, "live": 0.6}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"compatible": None}, "no live model to be compatible with"),
        (
            {"compatible": True, "ndcg10": MEASURED},
            "of the mixtures of both models' vectors the worst, this model's queries on the live model's "
            f"documents, reaches nDCG@10 0.5000, where the live model alone reaches 0.6000 and {LOSS} may be "
            "lost (test among 400 texts at 384 dimensions).",
        ),
        ({"compatible": False, "ndcg10": MEASURED}, "embed all documents again first; of the mixtures"),
        (
            {"compatible": False, "ndcg10": MEASURED | {"mixed_10": 0.4, "mixed_50": 0.45}},
            "queries where a tenth of the documents is embedded again, reaches nDCG@10 0.4000",
        ),
        ({"compatible": False, "ndcg10": {"live": 0.6}}, "embed all documents again first. The machine of"),
    ],
)
def test_stored_vectors_are_told_what_becomes_of_them(changes: dict[str, Any], said: str) -> None:
    assert said in context(reembed=GOLDEN.reembed.model_copy(update=changes))["stored_vectors"]


def test_refused_candidate_asks_nobody_to_embed_again() -> None:
    new = GOLDEN.reembed.model_copy(update={"compatible": False, "ndcg10": MEASURED})
    said = context(reembed=new, verdict=judged(passed=False))["stored_vectors"]
    assert "all documents would have to be embedded again" in said
    assert "**" not in said


def test_store_says_by_what_it_was_chosen_and_among_how_many_texts() -> None:
    loss = PARAMS.evaluate.max_quality_loss
    chosen = f"the fewest that lose at most {loss} nDCG@10 on dev; nDCG@10 on test is "
    assert chosen in context()["store"]
    assert context(metrics=scored(1))["store"].endswith(" among 1 text")
    one = GOLDEN.metrics.recommended.model_copy(update={"ndcg10": {"test": 0.5}, "bytes_per_vector": 1536})
    said = context(metrics=GOLDEN.metrics.model_copy(update={"recommended": one}))["store"]
    assert "(1,536 bytes a vector)" in said
    assert "on test; nDCG@10 there is 0.5000 among 400 texts" in said


def test_anchor_that_is_live_is_named_once() -> None:
    live, other = "3" * 40, "4" * 40
    once = context(verdict=judged(compared_with={"live": live, "anchor": live}))["against"]
    assert once.startswith(", against the live model, which is the best release so far, at [`3333333`](")
    assert once.count("`3333333`]") == 1
    both = context(verdict=judged(compared_with={"live": live, "anchor": other}))["against"]
    assert both.count("`]") == 2
    assert " and the best release so far at [`4444444`]" in both
    assert context(verdict=judged(compared_with={}))["against"] == "; there was no live model to compare with"


def test_what_a_person_weighs_is_said_of_a_candidate_that_passed() -> None:
    assert context()["to_weigh"] is None
    unknown = {"training_unknown": True, "assumptions": {"live_training": "Nobody knows."}}
    said = context(verdict=judged(needs_human=True, loosened={"alpha": "It was 0.01."}, **unknown))[
        "to_weigh"
    ]
    assert "every stored one is made anew, nobody knows what the live model was trained on" in said
    assert said.endswith(" and it was judged more loosely than the last release.")
    assert context(verdict=judged(passed=False, **unknown))["to_weigh"] is None
