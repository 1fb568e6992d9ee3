"""Known mistakes are called by their names."""

from dataclasses import replace

import polars as pl
import pytest

from bench.gate.draws import BASE, EQUAL, Truth, draw
from pipeline.judging.verdict import Evidence, gate
from pipeline.records import Shortcut, Verdict
from pipeline.wording.sentence import say
from tests.support.simulated import ROWS, params


def judged(truth: Truth, seed: int = 4) -> Verdict:
    return gate(draw(ROWS, EQUAL | {"candidate": truth}, seed=seed), params())


def test_pattern_of_an_equal_candidate_has_no_name(equal: Evidence) -> None:
    assert gate(equal, params()).patterns == {}


def test_pattern_style_learned_is_named_where_accuracy_rises_and_search_falls() -> None:
    verdict = judged(Truth(ndcg=0.6))
    assert set(verdict.patterns) == {"style_learned"}
    said = str(say(verdict))
    assert said.startswith("Refused: nDCG@10 against ")
    assert "Style was learned, not meaning: against the base triplet accuracy rose by 0.29" in said
    assert said.endswith("how negatives were written.")


def test_pattern_of_swapped_labels_is_named() -> None:
    assert (
        "takes the negative for the positive in 9" in judged(Truth(accuracy=0.9)).patterns["labels_swapped"]
    )


def test_pattern_of_nothing_learned_is_named() -> None:
    assert set(judged(BASE).patterns) == {"nothing_learned"}


@pytest.mark.parametrize("other", ["base", "live"])
def test_verdict_reports_every_difference_to_base_and_live(equal: Evidence, other: str) -> None:
    verdict = gate(equal, params())
    found = verdict.differences("base" if other == "base" else "live")
    assert set(found) == {
        *((metric, dim) for metric in ("ndcg", "accuracy") for dim in (64, 32)),
        ("hard", 64),
    }
    assert all(one.low <= one.difference <= one.high for one in found.values())


def test_verdict_is_the_same_whatever_it_reports_beside(equal: Evidence) -> None:
    """The base's triplets are reported alone: without them no comparison and no check is another one."""
    verdict = gate(equal, params())
    assert set(verdict.reported) == {"base_ndcg_32", "base_accuracy_64", "base_accuracy_32", "base_hard_64"}
    wrong = pl.when(pl.col("model") == "base").then(pl.lit(-1.0, dtype=pl.Float32))
    changed = equal.outcomes.with_columns(cos_positive=wrong.otherwise(pl.col("cos_positive")))
    other = gate(replace(equal, outcomes=changed), params())
    assert other.reported != verdict.reported
    assert (other.comparisons, other.checks) == (verdict.comparisons, verdict.checks)


def test_pattern_of_mixed_labels_is_named() -> None:
    """The texts were learned, and not which of two answers is the right one."""
    said = judged(Truth(accuracy=0.3)).patterns
    assert set(said) == {"labels_mixed"}
    assert "against the base nDCG@10 rose by 0.29" in said["labels_mixed"]


def test_pattern_of_swapped_labels_is_named_by_the_words_of_train() -> None:
    """A base that knows the language is not turned round by swapped labels: it only gets worse."""
    case = draw(ROWS, EQUAL | {"candidate": Truth(0.35, 0.35)}, seed=4)
    shortcut = Shortcut(
        bag_of_words=0.23,
        misled=0.77,
        misled_by_chance=0.53,
        bm25=0.6,
        hard_rows=9,
        warn_above=0.7,
        warned=False,
    )
    audit = case.audit.model_copy(update={"shortcut": {"test": shortcut}})
    said = gate(replace(case, audit=audit), params()).patterns
    assert set(said) == {"labels_swapped"}
    assert "takes the negative in 77% of the triplets of test." in said["labels_swapped"]
    fair = case.audit.model_copy(
        update={"shortcut": {"test": shortcut.model_copy(update={"misled": 0.5, "bag_of_words": 0.5})}}
    )
    assert set(gate(replace(case, audit=fair), params()).patterns) == {"worse_than_base"}


def test_pattern_of_a_training_that_did_harm_says_what_was_lost() -> None:
    verdict = judged(Truth(0.35, 0.4))
    assert set(verdict.patterns) == {"worse_than_base"}
    said = verdict.patterns["worse_than_base"]
    assert "against the base it lost nDCG@10 by 0.1" in said
    assert " and triplet accuracy by 0.0" in said
    assert str(say(verdict)).endswith("the number of steps is too high.")
