"""What the sample found: checked against the Hub, kept as JSON, shown as a table."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pipeline.records import Metrics, Part, Receipt, Verdict
from pipeline.wording import checks, sentence
from pipeline.workspace import paths, receipts
from sample.workspace import SampleError

# Accuracy on test at full width: outside of these, the sample would show nothing.
BANDS = {"base": (0.60, 0.85), "candidate": (0.85, 0.98)}
_NAMES = {"base": "base", "live": "live", "anchor": "anchor", "candidate": "tuned"}
# What the Hub itself puts into a repository.
_HUBS_OWN = {".gitattributes"}


Accuracies = dict[str, dict[str, dict[int, float]]]  # by model, split and width


class Figures(Part):
    """What one run of the flow left.

    Attributes:
        endpoint: The Hub's address.
        outcome: What came of the run, in one sentence.
        repo: Where the newest release stands, which an earlier run made where this run made none.
        commit: The newest release's.
        tag: The newest release's version.
        sentence: The verdict, as a person says it; reports of before have none.
        failed_checks: What each found and wanted, by name.
        seconds: By step.
    """

    endpoint: str
    outcome: str
    repo: str | None
    commit: str | None
    tag: str | None
    verdict: Literal["passed", "refused"]
    sentence: str = ""
    failed_checks: dict[str, str]
    accuracies: Accuracies
    seconds: dict[str, float]
    total_seconds: float


def newest_receipt(work: Path) -> Receipt | None:
    """Return the receipt of the highest version, or None where nothing was released."""
    return next(reversed(receipts.load_all(work)), None)


def verify(receipt: Receipt, endpoint: str, cache: Path) -> int:
    """Download a released commit into `cache`, which must be empty, and compare every file with the receipt.

    Returns:
        How many files were compared.

    Raises:
        SampleError: A file is missing, is too many, or has other bytes.
    """
    from huggingface_hub import snapshot_download

    path = snapshot_download(receipt.repo, revision=receipt.commit, endpoint=endpoint, cache_dir=cache)
    compare(Path(path), receipt.files)
    return len(receipt.files)


def compare(folder: Path, files: dict[str, str]) -> None:
    """Compare the files in a folder with the sha256 they must have.

    Raises:
        SampleError: The folders differ; the message names each file.
    """
    found = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }
    for name in _HUBS_OWN - files.keys():
        found.pop(name, None)
    wrong = sorted(name for name in found.keys() | files.keys() if found.get(name) != files.get(name))
    if wrong:
        raise SampleError(f"the Hub's commit is not what the receipt says: {', '.join(wrong)} differ")


def outside_bands(accuracies: Accuracies) -> list[str]:
    """Name the models whose accuracy on test, at full width, is not what the sample promises."""
    found = []
    for model, (low, high) in BANDS.items():
        widths = accuracies[model]["test"]
        full = widths[max(widths)]
        if not low <= full <= high:
            found.append(f"{_NAMES[model]} scores {full:.4f} on test, wanted {low:.2f} to {high:.2f}")
    return found


def gather(work: Path, endpoint: str, outcome: str, seconds: dict[str, float]) -> Figures:
    """Gather the figures of the run that has just ended.

    Args:
        work: The workspace.
        endpoint: The Hub's address.
        outcome: What came of the run.
        seconds: What each step took.
    """
    verdict = Verdict.load(work / paths.RECORDS["gate"])
    metrics = Metrics.load(work / paths.RECORDS["evaluate"])
    receipt = newest_receipt(work)
    return Figures(
        endpoint=endpoint,
        outcome=outcome,
        repo=receipt.repo if receipt else None,
        commit=receipt.commit if receipt else None,
        tag=receipt.version if receipt else None,
        verdict="passed" if verdict.passed else "refused",
        sentence=str(sentence.say(verdict)),
        failed_checks={name: checks.line(verdict, name) for name in verdict.failures()},
        accuracies={
            model: {
                split: {dim: score.accuracy for dim, score in parts.triplets.items()}
                for split, parts in scores.splits.items()
            }
            for model, scores in metrics.models.items()
        },
        seconds=seconds,
        total_seconds=round(sum(seconds.values()), 1),
    )


def write(path: Path, report: Mapping[str, Any]) -> None:
    """Write a report whole or not at all."""
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", "utf-8")
    draft.replace(path)


def table(accuracies: Accuracies, split: str = "test") -> str:
    """Lay out the accuracies of one split: a row per dimension, a column per model."""
    models = [model for model in _NAMES if model in accuracies]
    head = f"  {'dimension':>9}  " + "  ".join(f"{_NAMES[model]:>7}" for model in models)
    rows = [
        f"  {dim:>9}  " + "  ".join(f"{accuracies[model][split][dim]:7.4f}" for model in models)
        for dim in sorted(accuracies["base"][split], reverse=True)
    ]
    return "\n".join([head, *rows])
