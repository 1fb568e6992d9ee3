"""What a run found, for its page in Prefect: read from the workspace's records."""

import base64
import re
from pathlib import Path
from typing import Any

from pipeline.records import Metrics, Receipt, Verdict
from pipeline.wording import sentence, words
from pipeline.workspace import paths, receipts


def refusal(verdict: Verdict) -> str:
    """Return why a candidate did not pass, in one line: the check that decided, and how many others failed.

    Args:
        verdict: The gate's record.
    """
    said, failed = sentence.say(verdict), len(verdict.failures())
    outcome = "" if verdict.outcome == "failed" else f"{said.outcome.lower()}: "
    rest = f" {failed} of {len(verdict.checks)} checks failed." if failed > 1 else ""
    return f"{outcome}{said.decided}. {said.remedy.do}.{rest}"


def receipt_of(workspace: Path, candidate: str) -> Receipt | None:
    """Return the newest receipt of a candidate, or None where the candidate was not released from here."""
    found = [receipt for receipt in receipts.load_all(workspace) if receipt.candidate == candidate]
    return found[-1] if found else None


def standing(workspace: Path, receipt: Receipt) -> str:
    """Return what stands released, where a candidate that was released before was not made anew.

    Args:
        workspace: The folder with `receipts/`.
        receipt: The candidate's.

    Returns:
        Half a sentence: the newest version, and that it took the candidate back, where it did.
    """
    newest = receipts.for_repo(workspace, receipt.repo)[-1]
    if newest.candidate == receipt.candidate or newest.restores is None:
        return f"{newest.version} stays released"
    return f"{newest.version} stays released, which took {receipt.version} back to {newest.restores}"


def markdown(workspace: Path, outcome: str) -> str:
    """Write the run's page: how it ended, what the gate found, the card's pictures, every figure.

    Args:
        workspace: The folder with `records/`.
        outcome: The run's end in one sentence.

    Returns:
        Markdown, for the artifact on the run's page.
    """
    verdict = Verdict.load(workspace / paths.RECORDS["gate"])
    metrics = Metrics.load(workspace / paths.RECORDS["evaluate"])
    accuracies = [
        [
            model,
            split,
            dim,
            f"{score.accuracy:.4f}",
            f"{score.low:.4f} to {score.high:.4f}",
            score.rows,
        ]
        for model, scores in metrics.models.items()
        for split, parts in scores.splits.items()
        for dim, score in parts.triplets.items()
    ]
    comparisons = [
        [
            _cell(words.of(name)),
            words.interval(one),
            words.limit(one.margin),
            f"{one.visible:.4f}",
            f"{one.rows:,}",
            f"{one.left_out:,}",
        ]
        for name, one in verdict.comparisons.items()
    ]
    failed, passed = (
        [
            [_cell(words.of(name)), words.found_value(name, check), words.wanted_value(name, check)]
            for name, check in verdict.checks.items()
            if check.passed is said
        ]
        for said in (False, True)
    )
    checks = ["check", "found", "wanted"]
    title = re.split("[:;]", outcome)[0]
    parts = [
        f"# {title[:1].upper()}{title[1:]}",
        outcome,
        *_section(f"Checks that failed: {len(failed)}", checks, failed),
        *_pictures(workspace / "card"),
        *_section(
            "Not worse than",
            ["comparison", "difference (bounds)", "may fall by", "could be seen", "rows", "left out"],
            comparisons,
        ),
        *_section(f"Checks that passed: {len(passed)}", checks, passed),
        *_section(
            "Accuracy", ["model", "split", "dimension", "accuracy", "95 % interval", "rows"], accuracies
        ),
    ]
    return "\n\n".join(parts) + "\n"


def _pictures(card: Path) -> list[str]:
    """Give the card's pictures with their alternative texts, whole: the page has no way to the workspace."""
    try:
        text = (card / "README.md").read_text("utf-8")
    except FileNotFoundError:
        return []
    return [
        f"![{said}](data:image/svg+xml;base64,{base64.b64encode((card / path).read_bytes()).decode('ascii')})"
        for said, path in re.findall(r"!\[([^\]]+)\]\((pictures/[^)]+\.svg)\)", text)
    ]


def _cell(text: str) -> str:
    """Return a name that ends no cell of a table: the value of a slice can hold anything."""
    return text.replace("\\", "\\\\").replace("|", "\\|")


def _section(title: str, head: list[str], rows: list[list[Any]]) -> list[str]:
    """Lay out a heading and a Markdown table; nothing where the table has no rows."""
    lines = [head, ["---"] * len(head), *rows]
    table = "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)
    return [f"## {title}", table] if rows else []
