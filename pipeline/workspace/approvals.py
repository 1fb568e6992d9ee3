"""The approvals of a workspace: which candidates a person let through."""

from pathlib import Path

from pydantic import ValidationError

from pipeline.errors import BrokenChain, WaitsForPerson
from pipeline.params import Params
from pipeline.records import Approval, Receipt, Verdict
from pipeline.workspace import paths, receipts
from pipeline.workspace.files import write_text


def find(workspace: Path, candidate: str) -> Approval | None:
    """Return the approval of a candidate, or None where nobody gave one.

    Raises:
        BrokenChain: The file cannot be read as an approval.
    """
    path = workspace / paths.approval(candidate)
    try:
        return Approval.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise BrokenChain(
            f"{path} is no approval ({error.errors()[0]['loc']} {error.errors()[0]['msg']}). "
            "Restore it with `git checkout approvals`, or remove it and approve anew"
        ) from None


def reasons(workspace: Path, params: Params, verdict: Verdict) -> list[str]:
    """Return why a person must let this candidate through; nothing where a schedule may."""
    found = []
    taken_back = receipts.withdrawal(workspace, params.release.repo, verdict.candidate)
    if taken_back is not None:
        found.append(
            f"it was released before, and {taken_back.version} took it back ({taken_back.released_at})"
        )
    if verdict.needs_human:
        found.append(
            "its vectors do not mix with those of the live model, so every stored one must be made anew"
        )
    if verdict.training_unknown:
        found.append(
            "nobody knows what a model that it was compared with was trained on, so all rows were compared"
        )
    found += [
        f"the gate is looser than it was for the last release: {sentence.removesuffix('.')}"
        for sentence in verdict.loosened.values()
    ]
    newest = receipts.latest_release(workspace, params.release.repo)
    if newest is not None and receipts.code_alone(params, newest):
        found.append(
            f"nothing but code moved since {newest.version} (data set, base and parameters are the same), "
            "and a change of code alone is never released by a schedule"
        )
    return found


def demand(workspace: Path, params: Params, verdict: Verdict) -> Approval | None:
    """Return the approval of a candidate that may be released, whether it needs one or not.

    Raises:
        WaitsForPerson: It needs one and has none: it brings a new vector space, was compared with a model of
            which nobody knows what it was trained on, is a change of code alone, or was rolled back from
            after the last one.
    """
    approval = find(workspace, verdict.candidate)
    taken_back = receipts.withdrawal(workspace, params.release.repo, verdict.candidate)
    if approval is not None and taken_back is not None and outdated(approval, taken_back):
        approval = None
    why = reasons(workspace, params, verdict)
    if why and approval is None:
        raise WaitsForPerson(
            f"candidate {verdict.candidate[:12]} passed the gate and waits for a person: "
            f"{'; and '.join(why)}. If it shall go out, run "
            '`katman approve --name "WHO" --reason "WHY"`, then release again'
        )
    return approval


def outdated(approval: Approval, taken_back: Receipt) -> bool:
    """Return whether an approval is older than the rollback that took its candidate back."""
    return approval.approved_at <= taken_back.released_at


def save(workspace: Path, candidate: str, approval: Approval) -> None:
    """Write the approval of a candidate."""
    write_text(workspace / paths.approval(candidate), approval.model_dump_json(indent=2) + "\n")
