"""The approvals of a workspace: which candidates a person let through, and which one was rejected."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from pipeline.errors import BrokenChain, ReleaseRefused, WaitsForPerson
from pipeline.params import Params
from pipeline.params.approve import Policy
from pipeline.records import Approval, Rejection, Verdict
from pipeline.records.approval import UNVERIFIED
from pipeline.workspace import digests, git, paths, receipts, signed_approvals
from pipeline.workspace.files import write_text

Decision = TypeVar("Decision", Approval, Rejection)

# From the loosest to the strictest.
_POLICIES: tuple[Policy, ...] = ("auto", "human-if", "human")


def find(workspace: Path, candidate: str) -> Approval | None:
    """Return the approval of a candidate, or None where nobody gave one.

    Raises:
        BrokenChain: The file cannot be read as an approval.
    """
    return _decided(Approval, workspace / paths.approval(candidate))


def reasons(workspace: Path, params: Params, verdict: Verdict) -> list[str]:
    """Return why a person must let this candidate through; nothing where a schedule may."""
    found = []
    taken_back = receipts.withdrawal(workspace, params.release.repo, verdict.candidate)
    if taken_back is not None:
        found.append(
            f"it was released before, and {taken_back.version} took it back ({taken_back.released_at})"
        )
    policy = params.approve.policy
    if policy != "auto":
        found += _found_by_gate(verdict, params.approve.narrow if policy == "human-if" else 0)
    newest = receipts.latest_release(workspace, params.release.repo)
    if newest is not None and receipts.code_alone(params, newest):
        found.append(
            f"nothing but code moved since {newest.version} (data set, base and parameters are the same), "
            "and a change of code alone is never released by a schedule"
        )
    before: Policy = (newest and newest.policy) or "human-if"
    if newest is not None and _POLICIES.index(policy) < _POLICIES.index(before):
        found.append(f"approve.policy is {policy!r}, and was {before!r} for {newest.version}")
    if policy == "human":
        found.append("approve.policy is 'human', so that nothing goes out that nobody looked at")
    return found


def _found_by_gate(verdict: Verdict, narrow: float) -> list[str]:
    """Return what asks for a person in the verdict."""
    found = []
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
    found += [
        f"the check {name} passed by {distance:.4f}, and approve.narrow is {narrow}"
        for name, distance in verdict.narrow(narrow).items()
    ]
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
    if approval.identity != identity:
        return f"it names the key {approval.identity}, not {identity}"
    return _own_work(workspace, params, approval) if params.approve.other_than_committer else None


def _own_work(workspace: Path, params: Params, approval: Approval) -> str | None:
    """Return that a person approves what the same person committed; None where it was somebody else."""
    newest = receipts.latest_release(workspace, params.release.repo)
    since = newest.code_commit if newest is not None else None
    wrote = git.committers(workspace, since, *paths.CODE, paths.PARAMS)
    own = {one.email for one in params.approve.signers if one.name == approval.name} | {approval.name}
    if not wrote & {one.casefold() for one in own if one is not None}:
        return None
    after = f"since {newest.version}" if newest is not None else "last"
    return (
        f"{approval.name} committed code or params.yaml {after}, and approve.other_than_committer wants "
        f"somebody else: {', '.join(sorted({one.name for one in params.approve.signers}))}"
    )


def demand(workspace: Path, params: Params, verdict: Verdict) -> Approval | None:
    """Return the approval that counts for a candidate that may be released, whether it needs one or not.

    Raises:
        WaitsForPerson: It needs one and has none that counts, see `reasons` and `fault`.
        ReleaseRefused: It was rejected.
        BrokenChain: The file cannot be read as an approval.
    """
    no = rejection(workspace, verdict.candidate)
    if no is not None:
        raise ReleaseRefused(
            f"candidate {verdict.candidate[:12]} was rejected by {no.name} ({no.rejected_at}): {no.reason}; "
            "wanted one that nobody rejected. Train another one, or approve this one after all with `katman "
            "approve`"
        )
    approval = find(workspace, verdict.candidate)
    wrong = None if approval is None else fault(workspace, params, verdict, approval)
    why = reasons(workspace, params, verdict)
    if why and (approval is None or wrong is not None):
        found = f" {paths.approval(verdict.candidate)} does not count: {wrong}." if wrong else ""
        raise WaitsForPerson(
            f"candidate {verdict.candidate[:12]} passed the gate and waits for a person: "
            f"{'; and '.join(why)}.{found} If it shall go out, run "
            '`katman approve --name "WHO" --reason "WHY"`'
        )
    return approval if wrong is None else None


def save(workspace: Path, candidate: str, approval: Approval) -> None:
    """Write the approval of a candidate; one that was rejected is so no more."""
    write_text(workspace / paths.approval(candidate), approval.dump())
    (workspace / paths.rejection(candidate)).unlink(missing_ok=True)


def rejection(workspace: Path, candidate: str) -> Rejection | None:
    """Return the rejection of a candidate, or None where nobody rejected it.

    Raises:
        BrokenChain: The file cannot be read as a rejection.
    """
    return _decided(Rejection, workspace / paths.rejection(candidate))


def reject(workspace: Path, candidate: str, name: str, reason: str) -> Rejection:
    """Write the rejection of a candidate, over any approval of it, and keep that in git.

    Raises:
        InvalidWorkspace: git refused the commit.
    """
    at = datetime.now(UTC).isoformat(timespec="seconds")
    no = Rejection(candidate=candidate, name=name, reason=reason, rejected_at=at)
    write_text(workspace / paths.rejection(candidate), no.dump())
    (workspace / paths.approval(candidate)).unlink(missing_ok=True)
    git.commit(workspace, f"Reject candidate {candidate[:12]}\n\n{name}: {reason}")
    return no


def _gate(params: Params) -> str:
    return digests.of_value(params.gate.model_dump(mode="json"))


def _short(digest: str | None) -> str:
    return "none" if digest is None else digest[:12]


def _listed(why: tuple[str, ...] | None) -> str:
    return f"({'; '.join(why)})" if why else "no reason"


def _decided(kind: type[Decision], path: Path) -> Decision | None:
    """Return what a person decided, or None where there is no such file."""
    try:
        return kind.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        found = error.errors()[0]
        raise BrokenChain(
            f"{path} is no {kind.__name__.lower()} ({found['loc']} {found['msg']}). "
            "Restore it with `git checkout approvals`, or remove it and decide anew"
        ) from None
