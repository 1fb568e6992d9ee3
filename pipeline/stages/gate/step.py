"""Step `gate`: judge the candidate, with known error rates. A "no" is a verdict, never an error.

docs/gate.md says in a page what is tested and how often such a verdict is wrong.
"""

from pathlib import Path

from pipeline.judging.evidence import read
from pipeline.judging.spending import FIRST_LOOKS
from pipeline.judging.verdict import gate
from pipeline.params import Params
from pipeline.records import HeldOut, Metrics, ModelName, Summary, Verdict
from pipeline.stages.gate import looks
from pipeline.wording import checks, sentence, words
from pipeline.workspace import lineage, paths
from pipeline.workspace.files import write_text

_ASKS = "a person must approve it before the release, unless approve.policy is auto"


def run(workspace: Path, params: Params) -> Verdict:
    """Judge what `audit` and `evaluate` recorded; log the look, and write summary and verdict."""
    before = lineage.opened(workspace, "gate")
    looks.take_in(workspace, params.gate.split)
    logged = False
    while (
        not logged
    ):  # another candidate may be judged meanwhile, and be the look that this one was about to be
        evidence, place = read(workspace, params)
        verdict = gate(evidence, params.gate)
        logged = looks.write(workspace, place, verdict, evidence.audit.test_digest, params.gate)
    write_text(workspace / paths.SUMMARY, _summarize(evidence.metrics, verdict, params.gate.split).dump())
    return lineage.seal(workspace, before, verdict)


def summary(verdict: Verdict) -> str:
    """Return the verdict in a sentence, a line per check, and the differences to the other models."""
    said = sentence.say(verdict)
    lines = [
        f"{'pass' if check.passed else 'FAIL'}  {checks.line(verdict, name)}"
        for name, check in verdict.checks.items()
    ]
    lines += [*_differences(verdict), f"verdict: {said}"]
    if not verdict.passed:
        lines.append(f"{said.remedy.guide} says how that limit is chosen")
    if verdict.looks_left <= FIRST_LOOKS:
        lines.append(
            f"look {verdict.look} of {verdict.looks_allowed}: these test rows may judge {verdict.looks_left} "
            "more; then every verdict is test_spent, until the data set brings new ones"
        )
    if verdict.passed and verdict.needs_human:
        lines.append(f"a new vector space: {_ASKS}")
    lines += [f"looser: {sentence}" for sentence in verdict.loosened.values()]
    if verdict.passed and verdict.loosened:
        lines.append(f"the gate is looser than for the last release: {_ASKS}")
    if verdict.passed and verdict.training_unknown:
        lines.append(f"nobody knows what the live model was trained on: {_ASKS}")
    return "\n".join(lines)


def _differences(verdict: Verdict) -> list[str]:
    """Return a line per metric, width and other model: the candidate less that one."""
    others: tuple[ModelName, ...] = ("base", "live")
    return [
        f"      {words.METRICS[metric]} against {words.MODELS[other]} at {dim:,}: {words.interval(one)}"
        for other in others
        for (metric, dim), one in sorted(
            verdict.differences(other).items(), key=lambda item: (item[0][0], -item[0][1])
        )
    ]


def _summarize(metrics: Metrics, verdict: Verdict, split: HeldOut) -> Summary:
    """Take the few numbers of the candidate that stand for all."""
    scores = metrics.candidate.splits[split]
    largest, smallest = max(scores.retrieval), min(scores.retrieval)
    return Summary(
        outcome=verdict.outcome,
        ndcg={dim: scores.retrieval[dim].ndcg10 for dim in (largest, smallest)},
        accuracy={largest: scores.triplets[largest].accuracy} if scores.triplets else {},
        hard={largest: scores.hard.accuracy} if scores.hard else {},
    )
