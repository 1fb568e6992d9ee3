"""Step `gate`: judge the candidate, with known error rates. A "no" is a verdict, never an error.

docs/gate.md says in a page what is tested and how often such a verdict is wrong.
"""

from pathlib import Path

import polars as pl

from pipeline.judging import looks
from pipeline.judging.verdict import gate
from pipeline.params import Params
from pipeline.records import Audit, Metrics, Reembed, Verdict
from pipeline.workspace import lineage, paths


def run(workspace: Path, params: Params) -> Verdict:
    """Judge what `audit` and `evaluate` recorded; count the look, and write the verdict."""
    audit = Audit.load(workspace / paths.RECORDS["audit"])
    metrics = Metrics.load(workspace / paths.RECORDS["evaluate"])
    seen = looks.load(workspace)
    verdict = gate(
        audit,
        metrics,
        Reembed.load(workspace / paths.REEMBED),
        pl.read_parquet(workspace / paths.OUTCOMES),
        pl.read_parquet(workspace / paths.RETRIEVED),
        pl.read_parquet(workspace / paths.TRAITS),
        seen,
        params.gate,
    )
    looks.keep(workspace, looks.add(seen, audit.test_digest, metrics.candidate))
    return lineage.seal(workspace, "gate", verdict)


def summary(verdict: Verdict) -> str:
    """Return a line per check, and the verdict."""
    lines = [
        f"{'pass' if check.passed else 'FAIL'}  {name}: {check.value} {check.rule} {check.wanted}"
        for name, check in verdict.checks.items()
    ]
    lines.append("verdict: " + ("passed" if verdict.passed else f"refused ({verdict.outcome})"))
    if verdict.passed and verdict.needs_human:
        lines.append("a new vector space: a person must approve it before the release")
    return "\n".join(lines)
