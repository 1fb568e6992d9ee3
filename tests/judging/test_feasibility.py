"""What no candidate can keep is known before anything is trained, and what the data set allows is let be."""

from typing import Any

import polars as pl

from pipeline.judging import feasibility, power
from pipeline.judging.feasibility import Limit
from pipeline.params import load
from pipeline.params.gate import GateParams
from pipeline.records import Audit
from tests.support.judged_rows import gate, traits
from tests.support.workspaces import PROJECT

PARAMS = load(PROJECT)


def audited(kept: int, **changes: Any) -> Audit:
    lengths = {"min": 3, "mean": 9.0, "max": 40, "texts": kept, "over_long": 0}
    split: dict[str, Any] = {
        "rows": kept,
        "kept": kept,
        "groups": kept,
        "components": kept,
        "found": {},
        "dropped": {},
        "tokens": {"query": lengths, "positive": lengths},
    }
    shortcut = {"bag_of_words": 0.5, "bm25": 0.5, "hard_rows": 9, "warn_above": 0.7, "warned": False}
    values: dict[str, Any] = {
        "splits": {"train": split, "test": split},
        "shortcut": {"test": shortcut},
        "personal_data": {},
        "near_train": {"test": 0},
        "test_digest": "0",
        "rejected_share": 0.0,
    }
    return Audit.model_validate(values | changes)


def missed(audit: Audit, table: pl.DataFrame, params: GateParams, *, live: bool = True) -> dict[str, Limit]:
    found = power.comparable(table, params)
    train = PARAMS.train.model_copy(update={"batch_size": 32})
    held = feasibility.limits(audit, found, ["live"] if live else [], params, train)
    return {one.name: one for one in held if not one.check.passed}


def test_feasibility_lets_a_large_clean_data_set_be() -> None:
    assert missed(audited(12_000), traits(12_000), gate(max_looks=104)) == {}


def test_feasibility_counts_the_clusters_that_no_trained_text_is_near() -> None:
    found = missed(audited(1_200), traits(1_200, near=300), gate(max_leak_share=1.0), live=False)
    assert set(found) == {"clusters"}
    assert (found["clusters"].check.value, found["clusters"].check.wanted) == (900, 1000)
    assert "lower gate.min_clusters to 900 or less" in str(found["clusters"])
    assert set(missed(audited(3_000), traits(3_000, per_cluster=4), gate(), live=False)) == {"clusters"}


def test_feasibility_knows_a_leak_share_before_the_training() -> None:
    found = missed(audited(5_000, near_train={"test": 600}), traits(5_000, near=600), gate(), live=False)
    assert set(found) == {"leak_share"}
    assert str(found["leak_share"]).startswith(
        "held-out rows near a trained text: 12%, wanted at most 1%: 600 of 5,000 rows of test"
    )
    assert "audit.policies.near_duplicate" in found["leak_share"].remedy


def test_feasibility_names_why_rows_were_rejected() -> None:
    audit = audited(5_000)
    split = audit.splits["train"].model_copy(update={"dropped": {"duplicate": 900, "empty": 7}})
    audit = audit.model_copy(update={"rejected_share": 0.15, "splits": {**audit.splits, "train": split}})
    found = missed(audit, traits(5_000), gate(), live=False)
    assert "for duplicate (900), empty (7); data/rejected.parquet" in str(found["rejected_share"])


def test_feasibility_says_which_margin_would_do_and_for_how_many_rows() -> None:
    params = gate(min_clusters=100)
    found = missed(audited(400), traits(400), params)
    assert set(found) == {"live_ndcg_visible", "live_accuracy_visible"}
    said = str(found["live_accuracy_visible"])
    assert "400 rows would refuse a candidate that is equal and differs in one row of 500" in said
    wanted = float(said.rpartition(" to ")[2].removesuffix(" or more"))
    assert wanted > params.live_margins.accuracy
    margins = params.live_margins.model_copy(update={"accuracy": wanted, "ndcg": 0.1})
    assert missed(audited(400), traits(400), params.model_copy(update={"live_margins": margins})) == {}


def test_feasibility_compares_no_accuracy_of_pairs() -> None:
    found = missed(audited(400, shortcut={}), traits(400), gate(min_clusters=100))
    assert set(found) == {"live_ndcg_visible"}


def test_feasibility_asks_no_margin_of_a_first_release() -> None:
    assert missed(audited(400), traits(400), gate(min_clusters=100), live=False) == {}


def test_feasibility_says_what_rows_will_never_be_trained_on() -> None:
    audit = audited(400, repeated={"positive": {"200": 1}, "query": {"2": 3}})
    assert feasibility.left_out(audit, 32) == 187
    train = PARAMS.train.model_copy(update={"batch_size": 32})
    found = power.comparable(traits(400), gate())
    held = {one.name: one for one in feasibility.limits(audit, found, [], gate(min_clusters=100), train)}
    one = held["rows_left_out"]
    assert not one.stops
    assert str(one).startswith("rows of train that no batch has room for: 187, wanted at most 0: so many")
    assert "With train.batch_size 2 they would be 0" in str(one)


def test_feasibility_says_that_no_batch_can_be_filled() -> None:
    audit = audited(400, repeated={"query": {"80": 5}, "positive": {"2": 3}})
    assert feasibility.different(audit) == 5
    assert feasibility.different(audited(400)) == 400
    train = PARAMS.train.model_copy(update={"batch_size": 32})
    found = power.comparable(traits(400), gate())
    held = {one.name: one for one in feasibility.limits(audit, found, [], gate(min_clusters=100), train)}
    assert "rows_left_out" not in held
    assert str(held["batch_size"]).startswith(
        "rows in a batch: 32, wanted at most 5: without equal texts a batch"
    )
    assert "Set train.batch_size to 5 or less" in str(held["batch_size"])
    assert not held["batch_size"].stops  # equal to the letter, which training counts, they may be fewer


def test_feasibility_says_that_nearly_every_text_is_cut() -> None:
    audit = audited(5_000)
    tokens = audit.splits["train"].tokens
    cut = {**tokens, "positive": tokens["positive"].model_copy(update={"over_long": 4_900})}
    split = audit.splits["train"].model_copy(update={"tokens": cut})
    found = missed(
        audit.model_copy(update={"splits": {**audit.splits, "train": split}}), traits(5_000), gate()
    )
    assert set(found) >= {"over_long_positive"}
    assert "the beginning of nearly every positive" in str(found["over_long_positive"])


def test_feasibility_says_where_train_and_test_contradict_each_other() -> None:
    audit = audited(5_000)
    shortcut = audit.shortcut["test"].model_copy(update={"misled": 0.77, "misled_by_chance": 0.5335})
    swapped = audit.model_copy(update={"shortcut": {**audit.shortcut, "test": shortcut}})
    assert "misled" not in missed(audit, traits(5_000), gate(), live=False)
    one = missed(swapped, traits(5_000), gate(), live=False)["misled"]
    assert str(one).startswith(
        "triplets in which a word classifier takes the negative: 77%, wanted at most 53.3%: what train calls "
        "positive, test calls negative."
    )
    assert not one.stops
