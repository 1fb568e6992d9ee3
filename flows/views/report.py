"""What a run found, for its page in Prefect: read from the workspace's records."""

import base64
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from flows.views.markup import cell, message, plain, section
from pipeline.records import Metrics, ModelName, Receipt, Verdict
from pipeline.wording import checks, sentence, words
from pipeline.workspace import paths, receipts

# What would end an alternative text, which nobody can escape: one page shows the backslash.
_UNSAID = re.compile(r"[\[\]\\`<>&]")
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


def page(workspace: Path, did: str, said: str, below: str = "") -> str:
    """Write the run's page: how it ended and why, links, the models side by side, pictures, every check.

    Every value that stands in a data set, a card or a message is escaped.

    Args:
        workspace: The folder with `records/`.
        did: The page's heading: what the run did, in a few words.
        said: Markdown: the run's end in a sentence, or what a person decides by.
        below: Markdown that stands at the end.

    Returns:
        Markdown, for the artifact on the run's page.
    """
    verdict = Verdict.load(workspace / paths.RECORDS["gate"])
    metrics = Metrics.load(workspace / paths.RECORDS["evaluate"])
    failed, passed = (
        [name for name, check in verdict.checks.items() if check.passed is wanted] for wanted in (False, True)
    )
    others = [name for name in passed if name not in verdict.comparisons]
    parts = [
        _heading(did),
        said,
        judged(verdict),
        links(workspace, verdict),
        *_failures(verdict, failed),
        *section(*side_by_side(metrics)),
        *_pictures(workspace / "card"),
        *_comparisons(verdict),
        *section(
            "Other checks that passed",
            ["check", "found", "wanted"],
            [_escaped(checks.row(verdict, name)) for name in others],
        ),
        *section(
            "Accuracy",
            ["model", "split", "dimension", "accuracy", "95% interval", "rows"],
            _accuracies(metrics),
        ),
        below,
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def short(did: str, said: str) -> str:
    """Write the page of a run that came to no verdict: what it did, and its message."""
    return f"{_heading(did)}\n\n{message(said)}\n"


def _heading(did: str) -> str:
    version = re.match(r"v\d", did)
    return f"# {plain(did if version else did[:1].upper() + did[1:])}"


def judged(verdict: Verdict) -> str:
    """Return why the gate let a candidate through; nothing where it did not: that is how the run ended."""
    if not verdict.passed:
        return ""
    held = f"all {len(verdict.checks)} checks hold at look {verdict.look}"
    return f"The gate: {held}; {plain(sentence.say(verdict).decided)}."


def _escaped(row: Sequence[str]) -> list[str]:
    return [cell(text) for text in row]


def _failures(verdict: Verdict, failed: list[str]) -> list[str]:
    """Return a line for each check that failed, which wraps: as a table they are wider than the page."""
    lines = [
        f"- **{plain(name)}**: {plain(found)}, wanted {plain(wanted)}"
        for name, found, wanted in (checks.row(verdict, name) for name in failed)
    ]
    title = f"## Checks that failed: {len(failed)} of {len(verdict.checks)}"
    return [title, "\n".join(lines)] if lines else []


def _comparisons(verdict: Verdict) -> list[str]:
    """Return a table for each model that the candidate must not be worse than."""
    found: dict[str, list[list[str]]] = {}
    for name, one in verdict.comparisons.items():
        other, metric, dim = name.split("_")
        bounds = f"{words.signed(one.low)} to {words.signed(one.high)}"
        rows = f"{one.rows:,}" + (f" ({one.left_out:,} left out)" if one.left_out else "")
        found.setdefault(words.MODELS.get(other, other), []).append(
            [
                f"{words.METRICS.get(metric, metric)} at {dim}",
                words.signed(one.difference),
                bounds,
                words.limit(one.margin),
                rows,
            ]
        )
    head = ["", "difference", "bounds", "may fall by", "rows"]
    return [part for other, rows in found.items() for part in section(f"Not worse than {other}", head, rows)]


def links(workspace: Path, verdict: Verdict) -> str:
    """Return links to what is on the Hub of a candidate that was released; nothing where it was not."""
    receipt = receipt_of(workspace, verdict.candidate)
    if receipt is None or not receipt.endpoint.startswith(("http://", "https://")):
        return ""
    home = f"{receipt.endpoint.rstrip('/')}/{receipt.repo}"
    found = {
        f"{receipt.version} on the Hub": f"{home}/tree/{receipt.version}",
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
    found = {
        "nDCG@10": [{dim: score.ndcg10 for dim, score in one.retrieval.items()} for one in scores.values()],
        "accuracy": [{dim: score.accuracy for dim, score in one.triplets.items()} for one in scores.values()],
    }
    rows = [
        [f"{metric} at {dim}", *(f"{one[dim]:.4f}" if dim in one else "" for one in each)]
        for metric, each in found.items()
        for dim in dims
        if any(dim in one for one in each)
    ]
    head = ["", *(SAID[name] for name in scores)]
    return f"{', '.join(SAID[name] for name in scores).capitalize()}: {split}", head, rows


def _accuracies(metrics: Metrics) -> list[list[Any]]:
    """Return every accuracy that was measured, a line each."""
    return [
        [
            SAID[model],
            split,
            dim,
            f"{score.accuracy:.4f}",
            f"{score.low:.4f} to {score.high:.4f}",
            score.rows,
        ]
        for model in SAID
        if model in metrics.models
        for split, parts in metrics.models[model].splits.items()
        for dim, score in parts.triplets.items()
    ]


def _pictures(card: Path) -> list[str]:
    """Give the card's pictures with their alternative texts, whole: the page has no way to the workspace."""
    try:
        text = (card / "README.md").read_text("utf-8")
    except FileNotFoundError:
        return []
    found = re.findall(r"!\[([^\]]+)\]\((pictures/[^)]+\.svg)\)", text)
    inside = [base64.b64encode((card / path).read_bytes()).decode("ascii") for _, path in found]
    return [
        f"![{_UNSAID.sub('', said)}](data:image/svg+xml;base64,{picture})"
        for (said, _), picture in zip(found, inside, strict=True)
    ]
