"""`track`: tell an experiment tracker of the judged candidate: parameters, curves, figures and verdict.

It reads what stands in the workspace, so that a training needs neither the tracker nor a network.
"""

import csv
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.errors import InvalidWorkspace
from pipeline.params import Params
from pipeline.params.machine import TrackingParams
from pipeline.preflight import tracker
from pipeline.records import Summary, Verdict
from pipeline.workspace import paths

_LONGEST_VALUE = 250
# MLflow takes no more parameters at once.
_BATCH = 100
# Each candidate is told of once.
_TAG = "katman.candidate"


class Told(NamedTuple):
    """What a tracker is told: parameters by dotted names, and figures, each with its step."""

    params: dict[str, str]
    metrics: list[tuple[str, float, int]]


class Tracked(NamedTuple):
    """What the tracker was told.

    Attributes:
        candidate: Its digest.
        where: Tracker and project; None where it was told before.
    """

    candidate: str
    where: str | None


def run(workspace: Path, params: Params) -> Tracked:
    """Tell the tracker of the candidate of `records/verdict.json`, once.

    Raises:
        InvalidWorkspace: `tracking` is null, or the tracker's library is not installed or failed.
        BrokenChain: There is no verdict.
    """
    how = params.tracking
    if how is None:
        raise InvalidWorkspace(
            "tracking is null; wanted {kind, project, uri} of the tracker that shall be told. Set it"
        )
    verdict = Verdict.load(workspace / paths.RECORDS["gate"])
    values = flat("", params.model_dump(mode="json", exclude={"hub", "tracking", "approve", "release"}))
    curves = [
        (name, value, step)
        for step, line in _curves(workspace / paths.CURVES)
        for name, value in line.items()
    ]
    told = Told(dict(values), [*((name, value, 0) for name, value in _figures(workspace, verdict)), *curves])
    try:
        new = _TELL[how.kind](how, verdict, told)
    except ImportError as error:
        raise tracker.missing(how, str(error)) from None
    except Exception as error:  # whatever a tracker's library raises
        raise InvalidWorkspace(
            f"{how.kind} was not told of candidate {verdict.candidate[:12]} ({type(error).__name__}: "
            f"{error}); wanted a tracker that takes it. See tracking in params.yaml, then run `katman track` "
            "again"
        ) from error
    return Tracked(verdict.candidate, f"{how.kind}, project {how.project}" if new else None)


def summary(tracked: Tracked) -> str:
    """Return what was told to whom."""
    told = "was told before" if tracked.where is None else f"told to {tracked.where}"
    return f"candidate {tracked.candidate[:12]}: {told}"


def flat(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """Yield a section's values by dotted names, each short enough for a tracker.

    Example:
        >>> list(flat("train", {"seed": 1, "loss": {"scale": 20.0}}))
        [('train.seed', '1'), ('train.loss.scale', '20.0')]
    """
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from flat(f"{name}.{key}" if name else str(key), one)
    else:
        yield name, str(value)[:_LONGEST_VALUE]


def _figures(workspace: Path, verdict: Verdict) -> Iterator[tuple[str, float]]:
    """Yield the few numbers of a verdict, and the value of each check that is a number."""
    summed = Summary.model_validate_json((workspace / paths.SUMMARY).read_bytes())
    for kind, widths in (("ndcg10", summed.ndcg), ("accuracy", summed.accuracy), ("hard", summed.hard)):
        for dim, value in widths.items():
            yield f"{kind}.{dim}", value
    yield "passed", float(verdict.passed)
    yield "look", float(verdict.look)
    for name, check in verdict.checks.items():
        if isinstance(check.value, float):
            yield f"check.{''.join(one if one.isalnum() else '_' for one in name)}", check.value


def _curves(path: Path) -> Iterator[tuple[int, dict[str, float]]]:
    """Yield step and figures of each line of the training's curves."""
    with path.open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            step = int(line.pop("step"))
            yield step, {name: float(value) for name, value in line.items() if value}


def _tell_mlflow(how: TrackingParams, verdict: Verdict, told: Told) -> bool:
    """Tell MLflow; return whether it did not know yet. The tag comes last: what broke off is told again."""
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param

    client = MlflowClient(tracking_uri=how.uri)
    found = client.get_experiment_by_name(how.project)
    experiment = found.experiment_id if found is not None else client.create_experiment(how.project)
    if client.search_runs([experiment], f"tags.`{_TAG}` = '{verdict.candidate}'"):
        return False
    made = client.create_run(experiment, run_name=verdict.candidate[:12]).info.run_id
    now = int(time.time() * 1000)
    params = [Param(name, value) for name, value in told.params.items()]
    metrics = [Metric(name, value, now, step) for name, value, step in told.metrics]
    for start in range(0, max(len(params), len(metrics)), _BATCH):
        part = slice(start, start + _BATCH)
        client.log_batch(made, metrics=metrics[part], params=params[part])
    for name, text in ((_TAG, verdict.candidate), ("outcome", verdict.outcome)):
        client.set_tag(made, name, text)
    client.set_terminated(made)
    return True


def _tell_trackio(how: TrackingParams, verdict: Verdict, told: Told) -> bool:
    """Tell trackio, in its folder on this machine; return whether it did not know yet.

    A run gets its name last: one that broke off is told again. trackio only warns of what it cannot write; a
    run that is not there afterwards is an error here.
    """
    os.environ |= {} if how.uri is None else {"TRACKIO_DIR": how.uri}  # read when trackio is imported
    for elsewhere in ("TRACKIO_SPACE_ID", "TRACKIO_SERVER_URL"):
        os.environ.pop(elsewhere, None)  # what does not arrive there is kept here, and nobody is told
    import trackio

    def runs() -> dict[str, Any]:
        try:
            return {one.name: one for one in trackio.Api().runs(how.project)}
        except ValueError:  # nobody has told anything of this project
            return {}

    name = verdict.candidate[:12]
    unfinished = f"{name}-unfinished"
    before = runs()
    if name in before:
        return False
    if unfinished in before:
        before[unfinished].delete()
    by_step: dict[int, dict[str, float]] = defaultdict(dict)
    for metric, value, step in told.metrics:
        by_step[step][metric] = value
    config = told.params | {_TAG: verdict.candidate, "outcome": verdict.outcome}
    quiet = {"auto_log_gpu": False, "auto_log_cpu": False, "embed": False}
    trackio.init(how.project, unfinished, config=config, **quiet)
    for step, values in sorted(by_step.items()):
        trackio.log(values, step=step)
    trackio.finish()
    runs()[unfinished].rename(name)
    return True


_TELL: Mapping[str, Callable[[TrackingParams, Verdict, Told], bool]] = {
    "mlflow": _tell_mlflow,
    "trackio": _tell_trackio,
}
