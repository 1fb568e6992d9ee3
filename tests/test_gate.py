"""The gate at its edges."""

import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import gate, stages
from pipeline.errors import BrokenChain, UnmeasuredCheck
from pipeline.evaluate import accuracy
from pipeline.params import load
from pipeline.params.gate import GateParams
from pipeline.records import Audit, Metrics, Verdict

ROWS = 1000


def audit(share: float = 0.0) -> Audit:
    return Audit(splits={}, rejected_share=share)


def metrics(split: str = "test", **hits: int) -> Metrics:
    """Make metrics in which each model hits so many of a thousand rows at both widths."""
    models = {name: {split: {dim: accuracy(count, ROWS) for dim in (32, 16)}} for name, count in hits.items()}
    return Metrics(candidate="c", revisions=dict.fromkeys(hits, "r"), bf16=False, models=models)


def params(**changes: Any) -> GateParams:
    values: dict[str, Any] = {
        "split": "test",
        "floors": {32: 0.9, 16: 0.8},
        "base_margin": 0.0,
        "live_margin": 0.001,
        "max_rejected_share": 0.02,
    }
    return GateParams(**values | changes)


def failed(verdict: Verdict) -> set[str]:
    assert verdict.passed is not bool(verdict.failures())
    return set(verdict.failures())


def test_gate_passes_a_candidate_that_is_better_everywhere() -> None:
    verdict = gate.gate(audit(), metrics(base=800, candidate=950, live=940), params())
    assert verdict.passed
    assert set(verdict.checks) == {
        "rejected_share",
        *(
            f"{name}_{dim}"
            for name in ("floor", "not_worse_than_base", "not_worse_than_live")
            for dim in (32, 16)
        ),
    }
    assert verdict.candidate == "c"


@pytest.mark.parametrize(("hits", "passes"), [(901, True), (900, True), (899, False)])
def test_gate_floor_holds_at_its_edge(hits: int, passes: bool) -> None:
    verdict = gate.gate(audit(), metrics(base=1, candidate=hits), params())
    assert failed(verdict) == (set() if passes else {"floor_32"})
    assert verdict.checks["floor_32"].value == hits / ROWS
    assert verdict.checks["floor_32"].wanted == 0.9


@pytest.mark.parametrize(("hits", "passes"), [(950, True), (949, False)])
def test_gate_takes_no_worse_than_the_base_for_equal_or_better(hits: int, passes: bool) -> None:
    verdict = gate.gate(audit(), metrics(base=950, candidate=hits), params())
    assert failed(verdict) == (set() if passes else {"not_worse_than_base_32", "not_worse_than_base_16"})


@pytest.mark.parametrize(("hits", "passes"), [(949, True), (948, False)])
def test_gate_lets_a_candidate_fall_behind_live_by_the_margin(hits: int, passes: bool) -> None:
    verdict = gate.gate(audit(), metrics(base=1, candidate=hits, live=950), params())
    assert failed(verdict) == (set() if passes else {"not_worse_than_live_32", "not_worse_than_live_16"})


@given(st.integers(1, ROWS), st.integers(0, ROWS))
def test_gate_margin_holds_at_its_edge_whatever_rounding_does(best: int, behind: int) -> None:
    wanted = accuracy(best, ROWS).accuracy - behind / ROWS
    assert gate.at_least((best - behind) / ROWS, wanted).passed
    assert not gate.at_least((best - behind - 1) / ROWS, wanted).passed


@pytest.mark.parametrize(("rejected", "passes"), [(2, True), (3, False)])
def test_gate_allows_rejected_rows_up_to_their_share(rejected: int, passes: bool) -> None:
    verdict = gate.gate(audit(rejected / 100), metrics(base=1, candidate=950), params())
    assert failed(verdict) == (set() if passes else {"rejected_share"})


def test_gate_floor_of_zero_is_a_check_that_was_made() -> None:
    verdict = gate.gate(audit(), metrics(base=0, candidate=0), params(floors={32: 0.0, 16: 0}))
    assert verdict.passed
    assert verdict.checks["floor_32"].wanted == 0


def test_gate_rejected_share_of_zero_refuses_one_row() -> None:
    verdict = gate.gate(audit(1e-6), metrics(base=1, candidate=950), params(max_rejected_share=0))
    assert failed(verdict) == {"rejected_share"}


@pytest.mark.parametrize("check", [gate.at_least, gate.at_most])
@pytest.mark.parametrize("pair", [(math.nan, 0.5), (0.5, math.nan), (math.nan, math.nan), (math.nan, 0.0)])
def test_gate_never_passes_nan(check: Any, pair: tuple[float, float]) -> None:
    found = check(*pair)
    assert not found.passed
    assert "NaN" in (found.value, found.wanted)


def test_gate_refuses_a_split_that_was_not_measured() -> None:
    with pytest.raises(UnmeasuredCheck, match="candidate model on test at width 32, and evaluate measured"):
        gate.gate(audit(), metrics("dev", base=1, candidate=950), params())


def test_gate_refuses_a_width_that_was_not_measured() -> None:
    with pytest.raises(UnmeasuredCheck, match=r"at width 64.*correct gate.split or gate.floors"):
        gate.gate(audit(), metrics(base=1, candidate=950), params(floors={64: 0.5}))


def test_gate_writes_a_no_and_goes_on(line: Path) -> None:
    strict = params(floors={32: 1.0, 16: 1.0, 4: 1.0})
    verdict = gate.run(line, load(line).model_copy(update={"gate": strict}))
    assert not verdict.passed
    assert Verdict.load(line / stages.RECORDS["gate"]) == verdict


def test_gate_verdict_has_no_lists(finished: Path) -> None:
    # DVC's `metrics show` flattens mappings only.
    assert "[" not in (finished / stages.RECORDS["gate"]).read_text(encoding="utf-8")


def test_gate_without_metrics_says_what_to_run(finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished / "records", tmp_path / "records")
    (tmp_path / "records" / "metrics.json").unlink()
    with pytest.raises(BrokenChain, match=r"metrics.json is missing; .*Run `dvc repro`"):
        gate.run(tmp_path, load(finished))
    content = json.loads((finished / "records" / "metrics.json").read_text(encoding="utf-8"))
    content["models"]["base"]["test"]["32"]["accuracy"] = None
    (tmp_path / "records" / "metrics.json").write_text(json.dumps(content))
    with pytest.raises(BrokenChain, match=r"metrics.json is not a metrics record"):
        gate.run(tmp_path, load(finished))
