"""What a model scores on tasks of mteb, in the files that the Hub's benchmarks read.

The format is the Hub's (https://huggingface.co/docs/hub/eval-results), written by its own client. Ids of
tasks and the scale of 0 to 100 are mteb's: `TASK_SUBSET_SPLIT`, and `TASK` where all that mteb scores it on
was scored.
"""

import yaml
from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml

from pipeline.params.model import Prompts
from pipeline.records import Metrics, Pin

FOLDER = ".eval_results"


def files(pin: Pin, metrics: Metrics, prompts: Prompts) -> dict[str, str]:
    """Return the text of each file by its path in the release: one per probe that is a task of mteb.

    What two probes score alike, as a task and a subset of it, stands in the first file alone. The notes say
    what stood before the texts: mteb's own runner may put nothing there.
    """
    found, given = {}, set[tuple[str, str | None, str]]()
    for name in pin.mteb:
        if name not in metrics.candidate.mteb:
            continue
        entries = {
            (one.dataset_id, one.dataset_revision, one.task_id): one
            for one in _entries(name, pin, metrics, prompts)
        }
        new = [entry for key, entry in entries.items() if key not in given]
        given |= entries.keys()
        if new:
            found[f"{FOLDER}/{name}.yaml"] = yaml.safe_dump(
                eval_result_entries_to_yaml(new), sort_keys=False, allow_unicode=True
            )
    return found


def _entries(name: str, pin: Pin, metrics: Metrics, prompts: Prompts) -> list[EvalResultEntry]:
    task, scored = pin.mteb[name], metrics.candidate.mteb[name]
    values = {f"{task.name}_{one.subset}_{one.split}": one.score for one in scored}
    if task.whole:
        values[task.name] = metrics.candidate.probes[name]
    said = f"{task.metric} by mteb {metrics.mteb_version}, {metrics.probe_sets[name].dim} dimensions"
    searched = metrics.probe_sets[name].documents is not None
    put = {"query" if searched else "text": prompts.query} | (
        {"document": prompts.document} if searched else {}
    )
    before = [f"{text!r} before each {what}" for what, text in put.items() if text]
    return [
        EvalResultEntry(
            dataset_id=pin.probes[name].repo,
            task_id=task_id,
            value=round(100 * score, 5),
            dataset_revision=pin.probes[name].revision,
            notes=", ".join([said, *before]),
        )
        for task_id, score in values.items()
    ]
