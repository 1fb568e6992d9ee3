"""What a person decides by, on the page of a run that waits: reasons and form first, the card last."""

import re
from pathlib import Path

from flows.views.markup import fenced, narrow, plain
from pipeline.params import Params
from pipeline.publishing import waiting
from pipeline.records import Verdict
from pipeline.workspace import approvals, paths, signed_approvals


def to_decide(workspace: Path, params: Params, form: str | None) -> str:
    """Write what a person decides by: why the candidate waits, where to decide, what may be signed.

    Args:
        workspace: The folder with `records/`.
        params: All of params.yaml.
        form: Address of the form; None where no server has one.

    Returns:
        Markdown, to stand at the head of the run's page.
    """
    verdict = Verdict.load(workspace / paths.RECORDS["gate"])
    why = [f"- {plain(one)}" for one in approvals.reasons(workspace, params, verdict)]
    days = params.approve.wait_days
    approval = approvals.find(workspace, verdict.candidate)
    wrong = approval and approvals.fault(workspace, params, verdict, approval)
    late = "" if days is None else f" What nobody decides in {days:g} days is rejected by the next run."
    parts = [
        "It passed the gate, and a person must let it out:",
        "\n".join(why),
        plain(f"{approval.name}'s approval does not count: {wrong}.") if approval and wrong else "",
        f"{where(workspace, form)} To approve is to release; runs leave it alone until then.{late}",
        to_sign(workspace, params, verdict),
    ]
    return "\n\n".join(filter(None, parts))


def where(workspace: Path, form: str | None) -> str:
    """Return where a person decides, as one paragraph.

    Args:
        workspace: The folder that the form is told.
        form: Its address; None where no server has one.
    """
    if form is None:
        return (
            f"Decide in `{workspace}` with `katman approve` or `katman reject`. There is a form for it where "
            "the deployment `approve` is (`prefect deploy --all`)."
        )
    return (
        f"**[Approve or reject it](<{form}>)** (workspace: `{workspace}`), or, in that folder, with "
        "`katman approve` or `katman reject`."
    )


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


def card(workspace: Path) -> str:
    """Return the card without its metadata and its pictures, which stand above; nothing without one.

    The older page shows what is folded below an empty fold: it stands below a line in bold.
    """
    try:
        text = (workspace / paths.CARD / "README.md").read_text("utf-8")
    except FileNotFoundError:
        return ""
    body = text.split("\n---\n", 1)[-1] if text.startswith("---\n") else text
    body = re.sub(r"!\[[^\]]*\]\(pictures/[^)]+\)", "", body)
    body = re.sub(r"<details><summary>(.*?)</summary>", r"**\1**", body).replace("</details>", "")
    # The older page shows code in a link's text with its backticks.
    return "## Card\n\n" + narrow(re.sub(r"\[`([^`\]]+)`\]\(", r"[\1](", body).strip() + "\n").strip()
