"""What the probes say: nothing is forgotten that did not fall."""

from typing import Any

from pipeline.records import Metrics, ProbeSet
from pipeline.stages.card import probe_tables
from tests.support.golden_records import GOLDEN


def probed(base: float | None, ours: float, sets: dict[str, ProbeSet] | None = None) -> Metrics:
    scores: dict[str, Any] = {"base": {} if base is None else {"sts": base}, "candidate": {"sts": ours}}
    models: Any = {
        name: one.model_copy(update={"probes": scores.get(name, {})})
        for name, one in GOLDEN.metrics.models.items()
    }
    return GOLDEN.metrics.model_copy(
        update={"models": models, "probe_measures": {"sts": "spearman"}, "probe_sets": sets or {}}
    )


def test_loss_on_a_probe_is_said_with_its_size() -> None:
    said = probe_tables.context(probed(0.7, 0.65))["probes_said"]
    assert said == "This model forgot something that its base knew: it lost 0.0500 on sts."


def test_nothing_is_forgotten_that_did_not_fall_or_was_never_asked() -> None:
    for base in (0.5, 0.65, None):
        assert "forgot" not in probe_tables.context(probed(base, 0.65))["probes_said"]


def test_row_says_what_was_measured_on_what() -> None:
    found = probe_tables.context(probed(0.7, 0.65, {"sts": ProbeSet(queries=1379, documents=None, dim=384)}))
    (row,) = found["probes"]
    assert row[:2] == ["sts", "Spearman's correlation, 1,379 pairs, at 384 dimensions"]
    assert "best release so far" not in found["probe_models"]
    (row,) = probe_tables.context(probed(0.7, 0.65, {"sts": ProbeSet(queries=9, documents=20, dim=384)}))[
        "probes"
    ]
    assert row[1].endswith("9 queries among 20 texts, at 384 dimensions")
