"""`plan`: what the pinned data set allows, before anything is trained on it.

It reads what `pin` and `audit` left, asks nobody and changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.device import installation
from pipeline.errors import BrokenChain, InvalidWorkspace
from pipeline.judging import power
from pipeline.judging.feasibility import Limit
from pipeline.judging.power import LEAST_DISCORDANCE, USUAL_DISCORDANCE, TestSet
from pipeline.params import Params
from pipeline.params.gate import GateParams, Margins
from pipeline.preflight import feasibility, resources
from pipeline.records import Audit, Metrics, Pin
from pipeline.records.tables import text_columns
from pipeline.workspace import lineage, paths

_DISCORDANCES = (LEAST_DISCORDANCE, 1 / 50, USUAL_DISCORDANCE)


@dataclass(frozen=True)
class Plan:
    """What this data set allows.

    Attributes:
        test: Rows of `gate.split`: clean, comparable, hard, and clusters.
        shown: Least margin by metric, for each of `_DISCORDANCES`; a metric without rows is not there.
        limits: Each limit that is known before training.
        policies: By finding: its policy, rows found by split, and train rows that dropping would leave.
        margins: Margins that an equal candidate keeps here, with what is usual.
        floors: Accuracy of the base by width, or what guessing reaches where it was not measured.
        measured: Whether the base was measured.
        retention: To choose, and what that is a share of.
        disk: Bytes by step.
        seconds: Of a training, and in lines what that rests on.
    """

    test: dict[str, int]
    shown: dict[str, list[float]]
    limits: Sequence[Limit]
    policies: dict[str, tuple[str, dict[str, int], int]]
    margins: Margins
    floors: dict[int, float]
    measured: bool
    retention: tuple[float, str]
    disk: dict[str, int]
    seconds: tuple[float, list[str]]


def run(workspace: Path, params: Params) -> Plan:
    """Work out what the pinned data set allows.

    Raises:
        InvalidWorkspace: Nothing was audited, or it was audited with other params.
    """
    try:
        audit, found = feasibility.read(workspace, params)
        pin = Pin.load(workspace / paths.RECORDS["pin"])
    except BrokenChain as error:
        raise InvalidWorkspace(
            f"{error}: `plan` reads what the audit counted. Run `dvc repro audit` first, which trains nothing"
        ) from None
    if audit.params != lineage.params_digest(workspace, "audit"):
        raise InvalidWorkspace(
            "params.yaml was changed after the audit ran with it; wanted the counts of what stands there "
            "now. Run `dvc repro audit`, which trains nothing"
        )
    sizes = resources.Sizes(
        dataset=sum(file.size for file in pin.dataset.files.values()),
        weights=sum(path.stat().st_size for path in (workspace / paths.BASE).rglob("*.safetensors")),
        releases=sum(
            file.size for one in (pin.live, pin.anchor) if one is not None for file in one.files.values()
        ),
    )
    floors, kept = _measured(workspace, params)
    negatives = len(text_columns(audit.splits[params.gate.split].tokens)) - 2
    guessed = dict.fromkeys(params.model.dims, power.chance(negatives)) if negatives else {}
    return Plan(
        test={
            "clean rows": audit.splits[params.gate.split].kept,
            "of these comparable": len(found.rows),
            "clusters": found.clusters,
            "comparable queries": len(found.queries),
            "comparable hard rows": len(found.hard),
        },
        shown=_shown(found, params, pairs=negatives == 0),
        limits=feasibility.limits(workspace, params),
        policies=_policies(audit, params),
        margins=power.suggested(found, params.gate),
        floors=floors or guessed,
        measured=bool(floors),
        retention=_retention(kept, params.gate),
        disk=resources.disk(sizes, params),
        seconds=resources.training_seconds(
            workspace, params, audit, installation.flops(params.train.bf16, params.hardware.launch)
        ),
    )


def summary(plan: Plan) -> str:
    """Return the plan as tables."""
    lines = ["The test set"]
    lines += [f"  {name:<22} {count:>10,}" for name, count in plan.test.items()]
    lines += ["", "The least margin that it shows, where an equal candidate differs in one row of"]
    lines.append(f"  {'':<22} " + " ".join(f"{round(1 / one):>10}" for one in _DISCORDANCES))
    lines += [
        f"  {metric:<22} " + " ".join(f"{one:>10.4f}" for one in values)
        for metric, values in plan.shown.items()
    ]
    lines += ["", "Limits that are known before training"]
    lines += [f"  {'ok' if one.check.passed else 'NO':<3} {one}" for one in plan.limits]
    lines += ["", f"  {'audit.policies':<22} {'now':>7} {'train':>9} {'dev':>7} {'test':>7}  train with drop"]
    lines += [
        f"  {name:<22} {now:>7} {found.get('train', 0):>9,} {found.get('dev', 0):>7,} "
        f"{found.get('test', 0):>7,}  {left:,}"
        for name, (now, found, left) in plan.policies.items()
    ]
    lines += ["", "To choose in params.yaml"]
    lines.append(f"  gate.live_margins      {_flow(plan.margins.model_dump())}")
    lines.append(f"  gate.anchor_margins    {_flow(power.wider(plan.margins).model_dump())}")
    why = "what the base has already" if plan.measured else "what guessing reaches: no base was measured yet"
    if plan.floors:
        lines.append(f"  gate.floors            {_flow(plan.floors)}  # {why}")
    lines.append("  gate.retention         {}  # {}".format(*plan.retention))
    lines += ["", "What it will take, about"]
    lines += [f"  {step:<22} {resources.shown(size):>10} of disk" for step, size in plan.disk.items()]
    seconds, basis = plan.seconds
    lines.append(f"  {'one training':<22} {_duration(seconds):>10}  ({basis[0]})")
    lines += [f"{'':<37}({one})" for one in basis[1:]]
    return "\n".join(lines)


def _shown(found: TestSet, params: Params, *, pairs: bool) -> dict[str, list[float]]:
    bounds = [power.visible(found, params.gate, params.gate.live_margins, one) for one in _DISCORDANCES]
    judged = ["ndcg"] if pairs else list(bounds[0])
    return {metric: [one[metric].visible for one in bounds] for metric in judged if metric in bounds[0]}


def _policies(audit: Audit, params: Params) -> dict[str, tuple[str, dict[str, int], int]]:
    train = audit.splits["train"]
    policies: dict[str, str] = params.audit.policies.model_dump()
    return {
        name: (
            now,
            {split: one.found.get(name, 0) for split, one in audit.splits.items()},
            # Those that another finding took out already are among the found ones: at least so many are left.
            train.kept if now == "drop" else max(0, train.kept - train.found.get(name, 0)),
        )
        for name, now in policies.items()
    }


def _retention(kept: float | None, gate: GateParams) -> tuple[float, str]:
    """Return the least share of nDCG@10 to keep, and what it rests on.

    Args:
        kept: What the base keeps at the smallest width; None where that was not measured.
        gate: The section of params.yaml.
    """
    measured = "no base was measured yet" if kept is None else f"the base keeps {kept} of its own"
    if gate.retention_of is not None:
        return gate.retention, f"of what {gate.retention_of} keeps; {measured}"
    return (gate.retention, measured) if kept is None else (kept, "the base keeps as much")


def _measured(workspace: Path, params: Params) -> tuple[dict[int, float], float | None]:
    """Return what the base scores on the gate's split, where that was measured before."""
    try:
        scores = Metrics.load(workspace / paths.RECORDS["evaluate"]).models["base"].splits[params.gate.split]
    except (BrokenChain, KeyError):
        return {}, None
    floors = {dim: int(one.accuracy * 100) / 100 for dim, one in sorted(scores.triplets.items())[::-1]}
    whole, least = (scores.retrieval[of(scores.retrieval)].ndcg10 for of in (max, min))
    return floors, min(1.0, int(100 * least / whole) / 100) if whole else None


def _flow(values: dict[str, float] | dict[int, float]) -> str:
    return "{" + ", ".join(f"{key}: {value}" for key, value in values.items()) + "}"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
