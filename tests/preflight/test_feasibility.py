"""The audit's counts stand beside the limits; a training that no gate could let pass does not start."""

from pathlib import Path

import pytest

from pipeline.errors import InvalidData
from pipeline.params import load
from pipeline.preflight import feasibility
from pipeline.records import Audit
from pipeline.workspace import lineage, paths
from tests.conftest import Stage
from tests.support.workspaces import pipeline, set_params


def test_feasibility_refuses_a_training_unless_it_is_only_to_report(line: Path, writer: Stage) -> None:
    feasibility.demand(line, load(line))
    before = lineage.params_digest(line, "audit")
    set_params(line, {"gate.min_clusters": 50})
    with pytest.raises(InvalidData) as caught:
        feasibility.demand(line, load(line))
    said = str(caught.value)
    assert "clusters of test rows: 39, wanted at least 50: the test split has 40 clean rows" in said
    assert "`katman plan`" in said
    refused = pipeline(line, writer.env, "train")
    assert (refused.returncode, refused.stderr) == (1, f"train: {said}\n")
    set_params(line, {"gate.infeasible": "report"})
    feasibility.demand(line, load(line))
    # The limits are none of the audit's: it does not run again for them.
    assert lineage.params_digest(line, "audit") == before


def test_feasibility_prints_each_count_beside_its_limit_when_the_audit_has_run(
    line: Path, writer: Stage
) -> None:
    set_params(line, {"gate.max_rejected_share": 0.01})
    ran = pipeline(line, writer.env, "audit")
    assert ran.returncode == 0, ran.stderr
    assert "  ok  clusters of test rows: 39, wanted at least 2" in ran.stdout
    assert (
        "  NO  rows that the audit rejected: 3%, wanted at most 1%: the audit rejected them for" in ran.stdout
    )
    audit = Audit.load(line / paths.RECORDS["audit"])
    assert all(int(times) >= 2 for column in audit.repeated.values() for times in column)
