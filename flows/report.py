"""What a run found, for its page in Prefect: read from the workspace's records."""

import json
from pathlib import Path
from typing import Any


def read_record(workspace: Path, name: str) -> dict[str, Any]:
    """Read one record.

    Args:
        workspace: The folder with `records/`.
        name: The record's name, such as `verdict`.

    Returns:
        Its content.
    """
    record: dict[str, Any] = json.loads((workspace / "records" / f"{name}.json").read_text("utf-8"))
    return record


def failed_checks(verdict: dict[str, Any]) -> list[str]:
    """Name the checks that a candidate did not pass, each with what was found and what was wanted.

    Args:
        verdict: The gate's record.

    Returns:
        One phrase per failed check, in the gate's order.
    """
    return [
        f"{name} is {_number(check['value'])}, wanted {check['rule']} {_number(check['wanted'])}"
        for name, check in verdict["checks"].items()
        if not check["passed"]
    ]


def receipt_of(workspace: Path, candidate: str | None) -> dict[str, Any] | None:
    """Find what was released of a candidate.

    Args:
        workspace: The folder with `receipts/`.
        candidate: The candidate's sha256.

    Returns:
        The newest receipt of it, or None where this candidate was not released from here.
    """
    found = [receipt for receipt in _receipts(workspace) if receipt["candidate"] == candidate]
    return found[-1] if found else None


def standing(workspace: Path, receipt: dict[str, Any]) -> str:
    """Say what stands released, where a candidate that was released before was not made anew.

    Args:
        workspace: The folder with `receipts/`.
        receipt: The candidate's.

    Returns:
        Half a sentence: the candidate's version, or that it was rolled back from.
    """
    newest = [one for one in _receipts(workspace) if one.get("repo") == receipt.get("repo")][-1]
    if newest["candidate"] == receipt["candidate"] or not newest.get("restores"):
        return f"{newest['version']} stays released"
    return f"{newest['version']} stays released, which took {receipt['version']} back to {newest['restores']}"


def _receipts(workspace: Path) -> list[dict[str, Any]]:
    """Read every receipt, oldest version first."""
    found = [json.loads(path.read_text("utf-8")) for path in (workspace / "receipts").glob("*.json")]
    return sorted(found, key=lambda receipt: int(receipt["version"][1:]))


def approved(workspace: Path, candidate: str) -> bool:
    """Say whether a person has approved a candidate.

    Args:
        workspace: The folder with `approvals/`.
        candidate: The candidate's sha256.
    """
    return (workspace / "approvals" / f"{candidate}.json").is_file()


def markdown(workspace: Path, outcome: str) -> str:
    """Write the verdict and the accuracies as tables.

    Args:
        workspace: The folder with `records/`.
        outcome: The run's end in one sentence.

    Returns:
        Markdown, for the artifact on the run's page.
    """
    verdict, metrics = read_record(workspace, "verdict"), read_record(workspace, "metrics")
    accuracies = [
        [
            model,
            split,
            dim,
            f"{cell['accuracy']:.4f}",
            f"{cell['low']:.4f} to {cell['high']:.4f}",
            cell["rows"],
        ]
        for model, splits in metrics["models"].items()
        for split, dims in splits.items()
        for dim, cell in dims.items()
    ]
    comparisons = [
        [
            name,
            _number(one["difference"]),
            f"{_number(one['low'])} to {_number(one['high'])}",
            _number(one["margin"]),
            _number(one["visible"]),
            one["rows"],
            one["left_out"],
        ]
        for name, one in verdict["comparisons"].items()
    ]
    checks = [
        [name, _number(check["value"]), f"{check['rule']} {_number(check['wanted'])}", _said(check["passed"])]
        for name, check in verdict["checks"].items()
    ]
    parts = [
        f"# {outcome}",
        _table(["model", "split", "dimension", "accuracy", "95 % interval", "rows"], accuracies),
        _table(["check", "found", "wanted", "passed"], checks),
        _table(
            ["comparison", "difference", "bounds", "margin", "could be seen", "rows", "left out"], comparisons
        ),
    ]
    return "\n\n".join(parts) + "\n"


def _number(value: object) -> str:
    """Show a figure with as many digits as a person reads."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _said(passed: bool) -> str:
    return "yes" if passed else "**no**"


def _table(head: list[str], rows: list[list[Any]]) -> str:
    """Lay out a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)
