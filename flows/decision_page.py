"""What a person decides by, on the page of a run that waits: reasons, form, what is signed, the card."""

import re
from pathlib import Path

from flows.report import fenced, plain
from pipeline.params import Params
from pipeline.publishing import waiting
from pipeline.records import Verdict
from pipeline.workspace import approvals, paths, signed_approvals


def to_decide(workspace: Path, params: Params, form: str | None) -> str:
    """Write what a person decides by: why the candidate waits, where the decision is made, and the card.

    Args:
        workspace: The folder with `records/`.
        params: All of params.yaml.
        form: Address of the form; None where no server has one.

    Returns:
        Markdown, to stand below what `markdown` writes.
    """
    verdict = Verdict.load(workspace / paths.RECORDS["gate"])
    why = [f"- {plain(one)}" for one in approvals.reasons(workspace, params, verdict)]
    days = params.approve.wait_days
    late = "" if days is None else f" What nobody decides in {days:g} days is rejected by the next run."
    where = (
        f"[Approve or reject it]({form})"
        if form
        else "Decide with `prefect deployment run approve/production`"
    )
    parts = [
        "## It waits for a person",
        "\n".join(why),
        f"{where} (workspace: `{workspace}`), or there with `katman approve` or `katman reject`. "
        f"To approve is to release; runs leave it alone until then.{late}",
        to_sign(workspace, params, verdict),
        "## Card",
        _card(workspace),
    ]
    return "\n" + "\n\n".join(filter(None, parts)) + "\n"


def to_sign(workspace: Path, params: Params, verdict: Verdict) -> str:
    """Write the texts that may be signed, each with its line; nothing where nobody asks for signatures."""
    if not params.approve.signers:
        return ""
    parts = [
        "## To be signed",
        "Write one of these texts to a file as it stands, sign it with your own key, and give the content of "
        "`approval.json.sig` as `signature`. For a reason of your own, run the form with name and reason "
        "first.",
    ]
    for path, draft in waiting.drafts(workspace, verdict.candidate):
        lines = ["cat > approval.json <<'END'", draft.statement().rstrip("\n"), "END"]
        lines.append(signed_approvals.sign_line(Path("approval.json")))
        parts += [
            f"### {plain(draft.name)}: {plain(draft.reason)}",
            fenced("\n".join(lines), "sh"),
            f"`{path}`",
        ]
    return "\n\n".join(parts)


def _card(workspace: Path) -> str:
    """Return the card without its metadata, and without the pictures, which stand above."""
    try:
        text = (workspace / paths.CARD / "README.md").read_text("utf-8")
    except FileNotFoundError:
        return ""
    body = text.split("\n---\n", 1)[-1] if text.startswith("---\n") else text
    return re.sub(r"!\[[^\]]*\]\(pictures/[^)]+\)", "", body).strip()
