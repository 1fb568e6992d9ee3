"""What a run found, for its page in Prefect: read from the workspace's records."""

import base64
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pipeline.preflight.moved_rows import MovedRows
from pipeline.records import Metrics, ModelName, Receipt, Verdict
from pipeline.wording import sentence, words
from pipeline.workspace import paths, receipts

# The models' names in tables.
SAID: dict[ModelName, str] = {"base": "base", "live": "live", "anchor": "best", "candidate": "new"}


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
    """Write the run's page: how it ended and why, links, the models side by side, the verdict, pictures.

    Every value that stands in a data set, a card or a message is escaped.

    Args:
        workspace: The folder with `records/`.
        outcome: The run's end in one sentence.

    Returns:
        Markdown, for the artifact on the run's page.
    """
    verdict = Verdict.load(workspace / paths.RECORDS["gate"])
    metrics = Metrics.load(workspace / paths.RECORDS["evaluate"])
    comparisons = [
        [
            plain(words.of(name)),
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
            [
                plain(words.of(name)),
                plain(words.found_value(name, check)),
                plain(words.wanted_value(name, check)),
            ]
            for name, check in verdict.checks.items()
            if check.passed is said
        ]
        for said in (False, True)
    )
    checks = ["check", "found", "wanted"]
    title = re.split("[:;]", outcome)[0]
    parts = [
        f"# {plain(title[:1].upper() + title[1:])}",
        plain(outcome),
        links(workspace, verdict),
        *_section(*side_by_side(metrics)),
        *_section(f"Checks that failed: {len(failed)}", checks, failed),
        *_pictures(workspace / "card"),
        *_section(
            "Not worse than",
            ["comparison", "difference (bounds)", "may fall by", "could be seen", "rows", "left out"],
            comparisons,
        ),
        *_section(f"Checks that passed: {len(passed)}", checks, passed),
        *_section(
            "Accuracy",
            ["model", "split", "dimension", "accuracy", "95 % interval", "rows"],
            _accuracies(metrics),
        ),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def short(did: str, message: str) -> str:
    """Write the page of a run that came to no verdict: what it did, and its message as it stands."""
    return f"# {plain(did[:1].upper() + did[1:])}\n\n{fenced(message)}\n"


def links(workspace: Path, verdict: Verdict) -> str:
    """Return links to what is on the Hub of a candidate that was released; nothing where it was not."""
    receipt = receipt_of(workspace, verdict.candidate)
    if receipt is None or not receipt.endpoint.startswith(("http://", "https://")):
        return ""
    home = f"{receipt.endpoint.rstrip('/')}/{receipt.repo}"
    found = {
        f"{receipt.repo} {receipt.version}": f"{home}/tree/{receipt.version}",
        f"commit {receipt.commit[:12]}": f"{home}/commit/{receipt.commit}",
    }
    if receipt.pull_request is not None:
        found[f"pull request {receipt.pull_request}"] = f"{home}/discussions/{receipt.pull_request}"
    return " · ".join(f"[{plain(name)}](<{quote(to, safe=':/')}>)" for name, to in found.items())


def side_by_side(metrics: Metrics) -> tuple[str, list[str], list[list[Any]]]:
    """Return what each model makes of the split that the gate judges on, by width: title, head and rows."""
    measured = metrics.models["candidate"].splits
    split = metrics.mistakes.split if metrics.mistakes is not None else next(reversed(measured))
    models = {name: metrics.models[name] for name in SAID if name in metrics.models}
    scores = {name: one.splits[split] for name, one in models.items() if split in one.splits}
    dims = sorted({dim for one in scores.values() for dim in (*one.retrieval, *one.triplets)}, reverse=True)
    head = ["dimension", *(f"{SAID[name]} {what}" for what in ("nDCG@10", "accuracy") for name in scores)]
    rows = [
        [
            dim,
            *(f"{one.retrieval[dim].ndcg10:.4f}" if dim in one.retrieval else "" for one in scores.values()),
            *(f"{one.triplets[dim].accuracy:.4f}" if dim in one.triplets else "" for one in scores.values()),
        ]
        for dim in dims
    ]
    return f"{', '.join(SAID[name] for name in scores).capitalize()}: {split}", head, rows


def _accuracies(metrics: Metrics) -> list[list[Any]]:
    """Return every accuracy that was measured, a line each."""
    return [
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


def moved(found: MovedRows) -> str:
    """Write what moved in the data set: by split, and new rows that may be shown."""
    counts = [
        [name, f"{one.added:,}", f"{one.removed:,}", f"{one.changed:,}", f"{one.before:,}", f"{one.after:,}"]
        for name, one in found.splits.items()
    ]
    width = max(map(len, found.examples), default=0)
    examples = [[*map(plain, texts), *[""] * (width - len(texts))] for texts in found.examples]
    columns = ["split", "query", "positive", *["negative"] * (width - 3)]
    parts = [
        f"# {found.new:,} new rows",
        f"`{found.before}` to `{found.after}`",
        *_section("Rows", ["split", "added", "removed", "changed", "before", "now"], counts),
        *_section("New rows that may be shown", columns, examples),
    ]
    return "\n\n".join(parts) + "\n"


def plain(text: str) -> str:
    """Return a text, in one line, that no reader of Markdown or HTML takes for anything but letters.

    Example:
        >>> plain("<b>|[a](http://b)")
        '&#60;b&#62;&#124;&#91;a&#93;(http&#58;//b)'
    """
    line = re.sub(r"[\\`*_{}\[\]<>#!|~&]", lambda found: f"&#{ord(found[0])};", " ".join(text.split()))
    return line.replace("://", "&#58;//").replace("www.", "www&#46;")


def fenced(text: str, language: str = "") -> str:
    """Return a block of code whose fence is longer than any that the text holds."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _pictures(card: Path) -> list[str]:
    """Give the card's pictures with their alternative texts, whole: the page has no way to the workspace."""
    try:
        text = (card / "README.md").read_text("utf-8")
    except FileNotFoundError:
        return []
    found = re.findall(r"!\[([^\]]+)\]\((pictures/[^)]+\.svg)\)", text)
    inside = [base64.b64encode((card / path).read_bytes()).decode("ascii") for _, path in found]
    return [
        f"![{plain(said)}](data:image/svg+xml;base64,{picture})"
        for (said, _), picture in zip(found, inside, strict=True)
    ]


def _section(title: str, head: list[str], rows: list[list[Any]]) -> list[str]:
    """Lay out a heading and a Markdown table; nothing where the table has no rows."""
    lines = [head, ["---"] * len(head), *rows]
    table = "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)
    return [f"## {title}", table] if rows else []
