"""What the probes say: nothing is forgotten that did not fall."""

from typing import Any

import pytest

from pipeline.records import Check, Difference, Metrics, ProbeSet, RepoRef
from pipeline.stages.card.sections import probe_tables
from pipeline.wording import words
from tests.support.golden_records import GOLDEN, OWN, difference, with_task


def probed(base: float | None, ours: float, sets: dict[str, ProbeSet] | None = None) -> Metrics:
    scores: dict[str, Any] = {"base": {} if base is None else {"sts": base}, "candidate": {"sts": ours}}
    models: Any = {
        name: one.model_copy(update={"probes": scores.get(name, {})})
        for name, one in GOLDEN.metrics.models.items()
    }
    return GOLDEN.metrics.model_copy(
        update={"models": models, "probe_measures": {"sts": "spearman"}, "probe_sets": sets or {}}
    )


def test_loss_of_pairs_has_no_interval_and_is_forgotten_where_the_gate_does_not_allow_it() -> None:
    said = probe_tables.context(probed(0.7, 0.65), GOLDEN.pin, GOLDEN.verdict)["probes_said"]
    assert said == "Whether it forgot something is open: 0.0500 lower on sts, without an interval."
    checks = {"forgetting_sts": Check(value=0.65, rule=">=", wanted=0.68, passed=False)}
    refused = GOLDEN.verdict.model_copy(update={"checks": checks})
    said = probe_tables.context(probed(0.7, 0.65), GOLDEN.pin, refused)["probes_said"]
    assert said == (
        "This model forgot something that its base knew: 0.0500 lower on sts, without an interval, which is "
        "more than the gate allows."
    )


def test_nothing_is_forgotten_that_did_not_fall_or_was_never_asked() -> None:
    for base in (0.5, 0.65, None):
        assert (
            "forgot"
            not in probe_tables.context(probed(base, 0.65), GOLDEN.pin, GOLDEN.verdict)["probes_said"]
        )


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (
            difference(-0.05, -0.08, -0.02),
            "This model forgot something that its base knew: 0.0500 (0.0200 to 0.0800) lower on sts.",
        ),
        (
            difference(-0.05, -0.12, 0.02),
            "Whether it forgot something is open: -0.0500 (-0.1200 to +0.0200, not proven) on sts.",
        ),
    ],
)
def test_loss_that_the_queries_do_not_prove_is_open(one: Difference, said: str) -> None:
    verdict = GOLDEN.verdict.model_copy(update={"probes": {"sts": {"base": one}}})
    found = probe_tables.context(probed(0.7, 0.65), GOLDEN.pin, verdict)
    assert found["probes_said"] == f"{said} A difference is this model less the other, with its 98% interval."
    assert found["probe_columns"][-1] == "against base"
    assert found["probes"][0][-1] == words.interval(one)


def test_row_says_what_was_measured_on_what() -> None:
    found = probe_tables.context(
        probed(0.7, 0.65, {"sts": ProbeSet(queries=1379, documents=None, dim=384)}),
        GOLDEN.pin,
        GOLDEN.verdict,
    )
    (row,) = found["probes"]
    assert row[:2] == ["sts", "Spearman's correlation, 1,379 pairs, at 384 dimensions"]
    assert "best release so far" not in found["probe_columns"]
    (row,) = probe_tables.context(
        probed(0.7, 0.65, {"sts": ProbeSet(queries=9, documents=20, dim=384)}), GOLDEN.pin, GOLDEN.verdict
    )["probes"]
    assert row[1].endswith("9 queries among 20 texts, at 384 dimensions")


def test_card_says_what_a_task_was_scored_on() -> None:
    def said(*subsets: str, at: RepoRef = OWN) -> str:
        pin, metrics = with_task(*subsets, whole=False, at=at)
        (sentence,) = probe_tables.context(metrics, pin, GOLDEN.verdict)["tasks_said"]
        return str(sentence)

    start = "sts is mteb's task STS17 (STS; subset tr-tr, split test), scored by mteb 2.27.0 on [mteb/sts17]"
    assert said("tr-tr").startswith(start)
    assert said("tr-tr").endswith(", the commit that mteb names.")
    assert "(STS; split test)" in said("default")
    assert "subsets (6 of them)" in said(*"abcdef")
    moved = OWN.model_copy(update={"revision": "8" * 40})
    assert said("tr-tr", at=moved).endswith(", where mteb names the commit 7777777.")
    other = RepoRef(repo="trmteb/sts", revision="8" * 40)
    assert said("tr-tr", at=other).endswith(", which is another data set than mteb's own (mteb/sts17).")
    pin, metrics = with_task("tr-tr", whole=False)
    rows = probe_tables.context(metrics, pin, GOLDEN.verdict)["probes"]
    assert rows[0][:2] == ["sts", "Spearman's correlation, 1,500 texts, at 384 dimensions"]
