"""Step `gate`: judge the candidate, with known error rates. A "no" is a verdict, never an error.

docs/gate.md says in a page what is tested and how often such a verdict is wrong.
"""

from pathlib import Path

from pipeline.judging import looks
from pipeline.judging.verdict import Evidence, gate
from pipeline.params import Params
from pipeline.records import Audit, HeldOut, Metrics, Reembed, Summary, Verdict
from pipeline.records.tables import OUTCOMES, RETRIEVED, TRAITS
from pipeline.workspace import lineage, paths
from pipeline.workspace.files import write_text


def run(workspace: Path, params: Params) -> Verdict:
    """Judge what `audit` and `evaluate` recorded; count the look, and write summary and verdict."""
    evidence = Evidence(
        audit=Audit.load(workspace / paths.RECORDS["audit"]),
        metrics=Metrics.load(workspace / paths.RECORDS["evaluate"]),
        reembed=Reembed.load(workspace / paths.REEMBED),
        outcomes=OUTCOMES.read(workspace / paths.OUTCOMES),
        retrieved=RETRIEVED.read(workspace / paths.RETRIEVED),
        traits=TRAITS.read(workspace / paths.TRAITS),
        looks=looks.load(workspace),
    )
    verdict = gate(evidence, params.gate)
    looks.write(workspace, looks.add(evidence.looks, evidence.audit.test_digest, verdict.candidate))
    write_text(workspace / paths.SUMMARY, _summarize(evidence.metrics, verdict, params.gate.split).dump())
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


def _summarize(metrics: Metrics, verdict: Verdict, split: HeldOut) -> Summary:
    """Take the few numbers of the candidate that stand for all."""
    scores = metrics.candidate.splits[split]
    largest, smallest = max(scores.retrieval), min(scores.retrieval)
    return Summary(
        outcome=verdict.outcome,
        ndcg={dim: scores.retrieval[dim].ndcg10 for dim in (largest, smallest)},
        accuracy={largest: scores.triplets[largest].accuracy},
        hard={largest: scores.hard.accuracy} if scores.hard else {},
    )
