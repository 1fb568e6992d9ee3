"""`releases`: what was released and rolled back, and what runs."""

from pathlib import Path

from pipeline.embedding import vector_space
from pipeline.errors import HubError
from pipeline.hub import Hub
from pipeline.params import Params
from pipeline.records import Receipt
from pipeline.workspace import paths, receipts

HEAD = ("version", "kind", "date", "verdict", "candidate", "vector space", "commit", "marks")


def run(workspace: Path, params: Params) -> list[str]:
    """List every release and rollback, oldest first.

    Returns:
        Lines of a table with the columns of `HEAD`; and one more where the Hub could not be asked what runs.
    """
    repo = params.release.repo
    found = receipts.for_repo(workspace, repo)
    if not found:
        return [f"nothing was released to {repo} from here yet"]
    deployed, trouble = None, []
    try:
        hub = Hub(params.hub)
        if hub.exists(params.live.repo, "model"):
            deployed = hub.branches_and_tags(params.live.repo, "model")[1].get(params.live.tag)
    except HubError as error:
        trouble = [f"which one runs could not be asked: {error}"]
    rows = [HEAD]
    for place, receipt in enumerate(found):
        before = found[place - 1] if place else None
        marks = [
            name
            for name, holds in (
                ("main", place == len(found) - 1),
                (params.live.tag, receipt.commit == deployed),
                ("anchor", receipt.commit == found[-1].anchor),
                ("withdrawn", _withdrawn(workspace, receipt)),
            )
            if holds
        ]
        rows.append(
            (
                receipt.version,
                receipt.kind if receipt.restores is None else f"rollback to {receipt.restores}",
                receipt.released_at[:10],
                _verdict(receipt),
                receipt.candidate[:12],
                f"{receipt.space or 'unknown'} ({vector_space.change(before, receipt)})",
                receipt.commit[:12],
                ", ".join(marks),
            )
        )
    widths = [max(len(row[place]) for row in rows) for place in range(len(HEAD))]
    table = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    return table + trouble


def summary(lines: list[str]) -> str:
    """Return the table."""
    return "\n".join(lines)


def _withdrawn(workspace: Path, receipt: Receipt) -> bool:
    return receipts.withdrawal(workspace, receipt.repo, receipt.candidate) is not None


def _verdict(receipt: Receipt) -> str:
    digest = receipt.records.get(paths.RECORDS["gate"], "unknown")[:12]
    if receipt.verdict is None:
        return digest
    approved = f", approved by {receipt.approval.name}" if receipt.approval else ""
    return f"{receipt.verdict.outcome}, {receipt.verdict.checks} checks{approved} ({digest})"
