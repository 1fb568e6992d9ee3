"""`releases`: what was adopted, released and rolled back, and what runs."""

from pathlib import Path

from pipeline.embedding import vector_space
from pipeline.errors import HubError
from pipeline.hub import Hub
from pipeline.params import Params
from pipeline.records import Receipt
from pipeline.workspace import live, log, paths, receipts

HEAD = ("version", "kind", "date", "verdict", "candidate", "vector space", "commit", "marks")


def run(workspace: Path, params: Params) -> list[str]:
    """List what was adopted, then every release and rollback, oldest first.

    Returns:
        Lines of a table with the columns of `HEAD`; and one more where the Hub could not be asked what runs.
    """
    repo = params.release.repo
    found, adopted = receipts.for_repo(workspace, repo), receipts.adoptions(workspace)
    if not found and not adopted:
        return [f"nothing was released to {repo} from here yet"]
    standing, trouble = _standing(workspace, params)
    rows = [HEAD]
    for one in adopted:
        mark = params.live.tag if (one.repo, one.commit) == standing else ""
        known = f"trained on {one.trained_on.repo if one.trained_on else 'nobody knows what'}"
        at = one.adopted_at[:10]
        rows.append((one.version, "adopted", at, known, one.repo, "unknown", one.commit[:12], mark))
    for place, receipt in enumerate(found):
        before = found[place - 1] if place else None
        marks = [
            name
            for name, holds in (
                ("main", place == len(found) - 1),
                (params.live.tag, (receipt.repo, receipt.commit) == standing),
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


def _standing(workspace: Path, params: Params) -> tuple[tuple[str, str] | None, list[str]]:
    """Return the repository and commit of what runs, and a line where the Hub could not be asked."""
    standing = live.expected(log.entries(workspace), receipts.read_all(workspace), params)
    repo, tagged, trouble = live.tag_repo(standing, params), None, []
    try:
        tagged = Hub(params.hub).tagged(repo, params.live.tag)
    except HubError as error:
        trouble = [f"the Hub's tag {params.live.tag} could not be asked: {error}"]
    if live.moved(standing, tagged) and tagged is not None:
        return (repo, tagged), trouble
    return (standing.repo, standing.commit) if standing and standing.deployed else None, trouble


def _withdrawn(workspace: Path, receipt: Receipt) -> bool:
    return receipts.withdrawal(workspace, receipt.repo, receipt.candidate) is not None


def _verdict(receipt: Receipt) -> str:
    digest = receipt.records.get(paths.RECORDS["gate"], "unknown")[:12]
    if receipt.verdict is None:
        return digest
    approved = f", approved by {receipt.approval.name}" if receipt.approval else ""
    return f"{receipt.verdict.outcome}, {receipt.verdict.checks} checks{approved} ({digest})"
