"""`approve`: a person lets the judged candidate through that no schedule may release, and it is released."""

from argparse import Action, ArgumentParser, Namespace
from pathlib import Path
from typing import NamedTuple

from pipeline.errors import ReleaseRefused
from pipeline.params import Params
from pipeline.publishing import waiting
from pipeline.records import Approval, Verdict
from pipeline.workspace import approvals, git, paths, signed_approvals
from pipeline.workspace.files import write_text


class Approved(NamedTuple):
    """What `approve` did.

    Attributes:
        candidate: Its digest.
        approval: That of a person.
        unsigned: The file that must be signed before the approval counts; None where it counts already.
        release: Whether it shall be released now.
    """

    candidate: str
    approval: Approval
    unsigned: Path | None = None
    release: bool = True


def arguments(parser: ArgumentParser) -> None:
    """Register who approves, and why; a signature is over both, and is given without them."""
    said = [
        parser.add_argument("--name", default="", required=True, help="who approves, see approve.signers"),
        parser.add_argument("--reason", default="", required=True, help="why; it stands in the receipt"),
    ]
    keep = "release it later: by `katman release`, or the next run"
    parser.add_argument("--no-release", dest="release", action="store_false", help=keep)

    class Signature(Action):
        """Makes what was said before needless."""

        def __call__(self, parser: object, found: Namespace, values: object, option: object = None) -> None:
            """Keep the file."""
            setattr(found, self.dest, values)
            for one in said:
                one.required = False

    parser.add_argument(
        "--signature", type=Path, action=Signature, metavar="FILE", help="by ssh-keygen, instead of both"
    )
    parser.epilog = 'example:\n  katman approve --name "Ada" --reason "the index is rebuilt tonight"'


def run(
    workspace: Path,
    params: Params,
    name: str = "",
    reason: str = "",
    release: bool = True,
    signature: Path | None = None,
) -> Approved:
    """Approve the candidate of `records/verdict.json`, and commit that to git.

    It lifts only what waits for a person: `approvals.reasons` says what that is. What the gate refused stays
    refused. The approval is bound to the candidate, to the values of `gate` and to what the candidate waits
    for. Where approve.signers names keys, the first call writes what is to be signed, and the second takes
    the signature. An approval that counts is not written over.

    Raises:
        BrokenChain: There is no verdict.
        ReleaseRefused: The gate said no, a name or reason is missing, or the signature does not count.
        InvalidParams: The key that signs releases is among those of approve.signers.
        InvalidWorkspace: git refused the commit, or ssh-keygen is not installed.
    """
    verdict = Verdict.load(workspace / paths.RECORDS["gate"])
    candidate = verdict.candidate
    if not verdict.passed:
        raise ReleaseRefused(
            f"the gate refused candidate {candidate[:12]} ({verdict.outcome}); wanted one that "
            "passed, because an approval cannot make a verdict a yes. Train a better candidate"
        )
    unsigned = workspace / paths.unsigned_approval(candidate)
    if signature is None:
        approval = _draft(workspace, params, verdict, name, reason)
    else:
        unsigned, approval = _signed(workspace, params, candidate, signature)
    standing = approvals.find(workspace, candidate)
    if standing is not None and approvals.fault(workspace, params, verdict, standing) is None:
        approval = standing
    elif signature is None and signed_approvals.signers(params):
        write_text(unsigned, approval.statement())
        return Approved(candidate, approval, unsigned, release)
    elif (wrong := approvals.fault(workspace, params, verdict, approval)) is not None:
        raise ReleaseRefused(
            f"the approval in {unsigned} does not count: {wrong}. Run "
            '`katman approve --name "WHO" --reason "WHY"` again, and sign what it writes'
        )
    else:
        approvals.save(workspace, candidate, approval)
        for left in unsigned.parent.glob(f".{candidate}*"):
            left.unlink()
    git.commit(workspace, f"Approve candidate {candidate[:12]}\n\n{approval.name}: {approval.reason}")
    return Approved(candidate, approval, release=release)


def then(approved: Approved) -> list[str]:
    """Return the step that follows: what counts as approved is released."""
    return ["release"] if approved.unsigned is None and approved.release else []


def summary(approved: Approved) -> str:
    """Return who approved which candidate, and when; or what must be signed first, by which line."""
    candidate, approval, unsigned, _ = approved
    if unsigned is None:
        known = f"{approval.identity}, {approval.approved_at}"
        return f"candidate {candidate[:12]}: approved by {approval.name} ({known})"
    return (
        f"candidate {candidate[:12]}: {approval.name} must sign {unsigned} before it counts. Run\n"
        f"  {signed_approvals.sign_line(unsigned)}\n"
        f"  katman approve --signature {unsigned}.sig"
    )


def _draft(workspace: Path, params: Params, verdict: Verdict, name: str, reason: str) -> Approval:
    for key, value in (("--name", name), ("--reason", reason)):
        if not value.strip():
            raise ReleaseRefused(f"{key} is {value!r}; wanted a few words, because they stand in the receipt")
    known = {one.name for one in signed_approvals.signers(params)}
    if known and name.strip() not in known:
        raise ReleaseRefused(
            f"--name is {name!r}; wanted one of approve.signers, whose signatures count: "
            f"{', '.join(sorted(known))}"
        )
    return approvals.draft(workspace, params, verdict, name.strip(), reason.strip())


def _signed(workspace: Path, params: Params, candidate: str, signature: Path) -> tuple[Path, Approval]:
    """Return the text that this is the signature of, of those that were written to be signed."""
    known = signed_approvals.signers(params)
    if not known:
        raise ReleaseRefused(
            "--signature is given and approve.signers names nobody; wanted the keys whose signatures count. "
            "Enter them, or approve without it"
        )
    unsigned = workspace / paths.unsigned_approval(candidate)
    found = waiting.drafts(workspace, candidate)
    try:
        given = signed_approvals.armored(signature.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        found, given = [], type(error).__name__
    if not found:
        raise ReleaseRefused(
            f"{unsigned} and {signature} are no approval and its signature; wanted "
            'what the last `katman approve --name "WHO" --reason "WHY"` wrote, and what ssh-keygen made of it'
        )
    wrong = []
    for path, drafted in found:
        signed = drafted.model_copy(update={"signature": given})
        try:
            identity = signed_approvals.identify(signed, known)
        except ReleaseRefused as error:
            wrong.append(
                f"the approval in {path} does not count: {error}. Run\n  {signed_approvals.sign_line(path)}"
            )
        else:
            return path, signed.model_copy(update={"identity": identity})
    raise ReleaseRefused("\n".join(wrong))
