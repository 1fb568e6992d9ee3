"""What the sample found: checked against the Hub, kept as JSON, shown as a table."""

import hashlib
import json
from pathlib import Path
from typing import Any

from sample.workspace import SampleError

# Accuracy on test at full width: outside of these, the sample would show nothing.
BANDS = {"base": (0.60, 0.85), "candidate": (0.85, 0.98)}
_NAMES = {"base": "base", "live": "live", "anchor": "anchor", "candidate": "tuned"}
# What the Hub itself puts into a repository.
_HUBS_OWN = {".gitattributes"}


def newest_receipt(work: Path) -> dict[str, Any] | None:
    """Read the receipt of the highest version, or None where nothing was released."""
    receipts = [json.loads(path.read_text("utf-8")) for path in (work / "receipts").glob("*.json")]
    return max(receipts, key=lambda receipt: int(receipt["version"][1:]), default=None)


def waits(work: Path) -> bool:
    """Say whether a candidate passed the gate and was not released, because a person must approve it."""
    verdict = json.loads((work / "records" / "verdict.json").read_text("utf-8"))
    newest = newest_receipt(work)
    released = newest is not None and newest["candidate"] == verdict["candidate"]
    return bool(verdict["passed"] and verdict["needs_human"] and not released)


def verify(receipt: dict[str, Any], endpoint: str, cache: Path) -> int:
    """Download a released commit into `cache`, which must be empty, and compare every file with the receipt.

    Returns:
        How many files were compared.

    Raises:
        SampleError: A file is missing, is too many, or has other bytes.
    """
    from huggingface_hub import snapshot_download

    path = snapshot_download(receipt["repo"], revision=receipt["commit"], endpoint=endpoint, cache_dir=cache)
    compare(Path(path), receipt["files"])
    return len(receipt["files"])


def compare(folder: Path, files: dict[str, str]) -> None:
    """Compare the files in a folder with the sha256 they must have.

    Raises:
        SampleError: They differ; the message names each file.
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


def outside_bands(accuracies: dict[str, Any]) -> list[str]:
    """Name the models whose accuracy on test, at full width, is not what the sample promises.

    Args:
        accuracies: `{model: {split: {width: accuracy}}}`.
    """
    found = []
    for model, (low, high) in BANDS.items():
        widths = accuracies[model]["test"]
        full = widths[max(widths, key=int)]
        if not low <= full <= high:
            found.append(f"{_NAMES[model]} scores {full:.4f} on test, wanted {low:.2f} to {high:.2f}")
    return found


def gather(work: Path, seconds: dict[str, float]) -> dict[str, Any]:
    """Gather the figures of the run that has just ended.

    Args:
        work: The workspace.
        seconds: What each step took.

    Returns:
        `verdict`, `failed_checks`, `accuracies` per model, split and dimension, `seconds`, `total_seconds`.
    """
    verdict = json.loads((work / "records" / "verdict.json").read_text("utf-8"))
    metrics = json.loads((work / "records" / "metrics.json").read_text("utf-8"))
    return {
        "verdict": "passed" if verdict["passed"] else "refused",
        "failed_checks": {name: check for name, check in verdict["checks"].items() if not check["passed"]},
        "accuracies": {
            model: {
                split: {dim: cell["accuracy"] for dim, cell in dims.items()} for split, dims in splits.items()
            }
            for model, splits in metrics["models"].items()
        },
        "seconds": seconds,
        "total_seconds": round(sum(seconds.values()), 1),
    }


def write(path: Path, report: dict[str, Any]) -> None:
    """Write a report whole or not at all."""
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", "utf-8")
    draft.replace(path)


def table(accuracies: dict[str, dict[str, dict[str, float]]], split: str = "test") -> str:
    """Lay out the accuracies of one split: a row per dimension, a column per model."""
    models = [model for model in _NAMES if model in accuracies]
    head = f"  {'dimension':>9}  " + "  ".join(f"{_NAMES[model]:>7}" for model in models)
    rows = [
        f"  {dim:>9}  " + "  ".join(f"{accuracies[model][split][dim]:7.4f}" for model in models)
        for dim in sorted(accuracies["base"][split], key=int, reverse=True)
    ]
    return "\n".join([head, *rows])
