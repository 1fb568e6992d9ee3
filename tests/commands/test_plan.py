"""What the pinned data set allows is a table, before anything is trained on it."""

import shutil
from pathlib import Path

import pytest

from pipeline.commands import plan
from pipeline.errors import InvalidWorkspace
from pipeline.judging.power import wider
from pipeline.params import load
from pipeline.params.gate import GateParams
from pipeline.preflight import feasibility
from pipeline.workspace import paths
from tests.support.workspaces import set_params


def test_plan_shows_what_the_test_set_can_show_and_what_would_be_left(line: Path) -> None:
    found = plan.run(line, load(line))
    assert found.test["clean rows"] == 40
    assert found.test["clusters"] == 39
    assert list(found.shown) == ["ndcg", "accuracy", "hard"]
    assert all(values[0] < values[-1] + 0.02 for values in found.shown.values())
    now, counted, left = found.policies["same_text"]
    assert (now, counted["train"], left) == ("report", 3, 57)
    assert found.policies["duplicate"][2] == 60  # its row has left already
    assert set(found.floors) == {32, 16, 4}
    assert found.measured
    assert found.retention[1].startswith("of what base keeps; the base keeps ")
    assert found.seconds[1][0].startswith("as the last one on cpu")
    assert found.seconds[1][0].endswith(" triplets/s")
    said = plan.summary(found)
    assert "  clean rows                     40\n" in said
    assert "gate.live_margins      {ndcg: " in said
    assert "NO" not in said
    assert max(map(len, said.splitlines())) < 120


def test_plan_chooses_margins_that_these_rows_can_show(line: Path) -> None:
    params = load(line)
    found = plan.run(line, params)
    set_params(
        line,
        {
            "live.revision": "1" * 40,
            "anchor.revision": "1" * 40,
            "gate.live_margins": found.margins.model_dump(),
            "gate.anchor_margins": wider(found.margins).model_dump(),
            "gate.floors": found.floors,
        },
    )
    assert isinstance(load(line).gate, GateParams)
    assert [str(one) for one in feasibility.limits(line, load(line)) if not one.check.passed] == []


def test_plan_names_a_limit_that_cannot_be_kept(line: Path) -> None:
    set_params(line, {"gate.min_clusters": 50})
    assert "  NO  clusters of test rows: 39, wanted at least 50: " in plan.summary(plan.run(line, load(line)))


def test_plan_needs_no_training_before_it(line: Path) -> None:
    for name in ("train", "evaluate", "gate", "card"):
        (line / paths.RECORDS[name]).unlink()
    shutil.rmtree(line / "model")
    found = plan.run(line, load(line))
    assert found.floors == {32: 0.5, 16: 0.5, 4: 0.5}  # what guessing reaches
    assert found.seconds[0] > 0
    said = plan.summary(found)
    assert "what guessing reaches: no base was measured yet" in said
    *_, guess, basis = said.splitlines()
    assert guess.endswith("(a guess, maybe three times off: no training was measured here yet)")
    assert basis.endswith(" TFLOP/s, 30% of the device's peak)")
    assert guess.index("(") == basis.index("(")
    set_params(line, {"gate.retention_of": None})
    assert plan.run(line, load(line)).retention == (0.0, "no base was measured yet")


def test_plan_says_that_the_audit_is_of_other_params_or_missing(line: Path) -> None:
    set_params(line, {"audit.max_characters": 7})
    with pytest.raises(InvalidWorkspace, match=r"changed after the audit ran .* Run `dvc repro audit`"):
        plan.run(line, load(line))
    (line / paths.RECORDS["audit"]).unlink()
    with pytest.raises(InvalidWorkspace, match="Run `dvc repro audit` first, which trains nothing"):
        plan.run(line, load(line))
