"""The approvals of a workspace: which candidates a person let through."""

from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from pipeline.errors import BrokenChain, ReleaseRefused, WaitsForPerson
from pipeline.params import Params
from pipeline.records import Approval, Verdict
from pipeline.records.approval import UNVERIFIED
from pipeline.workspace import digests, paths, receipts, signed_approvals
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


def draft(workspace: Path, params: Params, verdict: Verdict, name: str, reason: str) -> Approval:
    """Return a person's approval of the judged candidate as it stands, not signed yet."""
    return Approval(
        name=name,
        reason=reason,
        approved_at=datetime.now(UTC).isoformat(timespec="seconds"),
        candidate=verdict.candidate,
        gate=_gate(params),
        reasons=tuple(reasons(workspace, params, verdict)),
    )


def fault(workspace: Path, params: Params, verdict: Verdict, approval: Approval) -> str | None:
    """Return why an approval does not count for the judged candidate; None where it does.

    Raises:
        InvalidParams: The key that signs releases is among those of approve.signers.
        InvalidWorkspace: ssh-keygen is not installed, and signatures are asked for.
    """
    why = tuple(reasons(workspace, params, verdict))
    if approval.candidate != verdict.candidate:
        return f"it is bound to {_short(approval.candidate)}; wanted candidate {verdict.candidate[:12]}"
    if approval.gate != _gate(params):
        return f"it is for gate values {_short(approval.gate)}; wanted those of now, {_gate(params)[:12]}"
    if approval.reasons != why:
        return f"it is for {_listed(approval.reasons)}; wanted what is waited for now, {_listed(why)}"
    known = signed_approvals.signers(params)
    if not known:
        unverified = (approval.identity, approval.signature) == (UNVERIFIED, None)
        return None if unverified else "it says that it is signed, and approve.signers names nobody"
    try:
        identity = signed_approvals.identify(approval, known)
    except ReleaseRefused as error:
        return str(error)
    return None if approval.identity == identity else f"it names the key {approval.identity}, not {identity}"


def demand(workspace: Path, params: Params, verdict: Verdict) -> Approval | None:
    """Return the approval that counts for a candidate that may be released, whether it needs one or not.

    Raises:
        WaitsForPerson: It needs one and has none that counts, see `reasons` and `fault`.
        BrokenChain: The file cannot be read as an approval.
    """
    approval = find(workspace, verdict.candidate)
    wrong = None if approval is None else fault(workspace, params, verdict, approval)
    why = reasons(workspace, params, verdict)
    if why and (approval is None or wrong is not None):
        found = f" {paths.approval(verdict.candidate)} does not count: {wrong}." if wrong else ""
        raise WaitsForPerson(
            f"candidate {verdict.candidate[:12]} passed the gate and waits for a person: "
            f"{'; and '.join(why)}.{found} If it shall go out, run "
            '`katman approve --name "WHO" --reason "WHY"`, then release again'
        )
    return approval if wrong is None else None


def save(workspace: Path, candidate: str, approval: Approval) -> None:
    """Write the approval of a candidate."""
    write_text(workspace / paths.approval(candidate), approval.dump())


def _gate(params: Params) -> str:
    return digests.of_value(params.gate.model_dump(mode="json"))


def _short(digest: str | None) -> str:
    return "none" if digest is None else digest[:12]


def _listed(why: tuple[str, ...] | None) -> str:
    return f"({'; '.join(why)})" if why else "no reason"
