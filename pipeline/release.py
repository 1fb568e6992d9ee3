"""`release`: one new commit on the Hub's main, verified, tagged, and a receipt for it.

Never a DVC stage: DVC's run cache would bring back a receipt with no push behind it.
"""

import tempfile
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from pydantic import ValidationError

from pipeline import approvals, code, digests, receipts, stages
from pipeline.errors import BrokenChain, HubDenied, ReleaseRefused
from pipeline.hub import Hub, Listed, digest_as_listed
from pipeline.params import Params
from pipeline.records import Card, Pin, Receipt, Reembed, Verdict
from pipeline.records.verdict import Outcome

# What the Hub itself puts into a new repository.
_HUBS_OWN = {".gitattributes"}
_ADVICE: dict[Outcome, str] = {
    "passed": "Run `dvc repro`: a verdict that passed and says no is none",
    "failed": "Train a better candidate",
    "underpowered": "The test split is too small to see the margin: pin a data set with more test rows",
    "not_comparable": "Pin a data set with more test rows that neither model was trained on",
    "test_spent": "These test rows judged too many candidates: pin a data set with new ones",
}
_PICKLES = {".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle"}


def run(workspace: Path, params: Params) -> tuple[Receipt, bool]:
    """Release the candidate that was judged, or say that it stands released already.

    Returns:
        The receipt, and whether it was there before.

    Raises:
        BrokenChain: A file is not the one that its record names.
        ReleaseRefused: The verdict is a no, a person must approve first, main holds a stranger's commit, or
            the version is taken.
        HubError: The Hub was not reached, or refused.
    """
    verdict, card, pin = judged(workspace)
    for receipt in receipts.load_all(workspace):
        if receipt.candidate == verdict.candidate and receipt.repo == params.release.repo:
            _keep(workspace, receipt)  # a run before this one may have been cut off behind its receipt
            return receipt, True
    approval = approvals.demand(workspace, params, verdict)
    space = _space(workspace)
    files = contents(workspace)
    hub = Hub(params.hub)
    account = hub.account()
    if account.role == "read":
        raise HubDenied(f"the token of {account.name} may only read; wanted one that may write to release")
    repo = params.release.repo
    if not hub.exists(repo, "model"):
        hub.create_repo(repo, private=params.release.private)

    parent = hub.info(repo, "model").commit
    standing = hub.files(repo, "model", parent)
    if _same(standing, files):
        # A run before this one was cut off behind its commit: go on from there.
        commit, parent_commit = parent, None
    else:
        _refuse_stranger(workspace, repo, parent, standing)
        _refuse_taken(hub, repo, card.version)
        stale = [path for path in standing if path not in files and path not in _HUBS_OWN]
        commit = hub.commit(
            repo,
            files,
            delete=stale,
            parent=parent,
            message=f"{card.version}: candidate {card.candidate[:12]}",
        )
        parent_commit = parent
    _verify(hub, repo, commit, files)
    _tag(hub, repo, card.version, commit)
    receipt = Receipt(
        kind="release",
        endpoint=hub.endpoint,
        repo=repo,
        commit=commit,
        parent=parent_commit,
        version=card.version,
        candidate=verdict.candidate,
        recipe=receipts.recipe(params),
        recipe_version=params.train.recipe_version,
        dataset={"repo": pin.dataset.repo, "revision": pin.dataset.revision},
        base={"repo": pin.base.repo, "revision": pin.base.revision},
        live={"repo": pin.live.repo, "revision": pin.live.revision} if pin.live else None,
        anchor=commit if verdict.better_than_anchor or pin.anchor is None else pin.anchor.revision,
        space=space,
        approval=approval,
        records={path: digests.sha256(workspace / path) for path in stages.RECORDS.values()},
        files={path: digests.sha256(local) for path, local in files.items()},
        dvc_lock=digests.sha256(workspace / "dvc.lock"),
        code_commit=card.code_commit,
        released_by=account.name,
        released_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    digests.write_text(workspace / "receipts" / f"{commit}.json", receipt.model_dump_json(indent=2) + "\n")
    _keep(workspace, receipt)
    return receipt, False


def _keep(workspace: Path, receipt: Receipt) -> None:
    if not code.holds(workspace, f"receipts/{receipt.commit}.json"):
        code.keep(workspace, f"Release {receipt.version} of {receipt.repo}\n\nHub commit {receipt.commit}")


def judged(workspace: Path) -> tuple[Verdict, Card, Pin]:
    """Read the records behind a release, over an unbroken chain and with a passing verdict."""
    verdict = Verdict.load(workspace / stages.RECORDS["gate"])
    if not verdict.passed:
        failed = [
            f"{name}: {check.value} where {check.rule} {check.wanted} was wanted"
            for name, check in verdict.failures().items()
        ]
        raise ReleaseRefused(
            "\n  ".join([f"the gate said no ({verdict.outcome}), so nothing is released:", *failed])
            + f"\n{_ADVICE[verdict.outcome]}"
        )
    faults = stages.broken_links(workspace) + stages.unlocked(workspace)
    if faults:
        raise BrokenChain(
            "what stands here is not what was judged:\n  " + "\n  ".join(faults) + "\nRun `dvc repro`"
        )
    card = Card.load(workspace / stages.RECORDS["card"])
    return verdict, card, Pin.load(workspace / stages.RECORDS["pin"])


def _space(workspace: Path) -> str:
    path = workspace / "reembed.json"
    try:
        return Reembed.model_validate_json(path.read_bytes()).space
    except (FileNotFoundError, ValidationError):
        raise BrokenChain(f"{path} does not name the vector space; wanted what `evaluate` writes") from None


def contents(workspace: Path) -> dict[str, Path]:
    """Map each path of the commit to be made to the local file: the model's, then the card's.

    Of the model's configuration it is the card's that goes out: it names the vector space besides.
    """
    files = {}
    for folder in (workspace / "model", workspace / "card"):
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            name = path.relative_to(folder).as_posix()
            if name in files and name != "config_sentence_transformers.json":
                raise ReleaseRefused(
                    f"{name} stands in model/ and in card/; wanted one of it. Run `dvc repro`"
                )
            files[name] = path
    pickles = [name for name in files if PurePosixPath(name).suffix in _PICKLES]
    if pickles:
        raise ReleaseRefused(
            f"{', '.join(pickles)} can run code when loaded; wanted safetensors weights only"
        )
    return files


def _same(listed: dict[str, Listed], files: dict[str, Path]) -> bool:
    theirs = {path: file for path, file in listed.items() if path not in _HUBS_OWN}
    return theirs.keys() == files.keys() and all(
        digest_as_listed(files[path], file.digest) == file.digest for path, file in theirs.items()
    )


def _refuse_stranger(workspace: Path, repo: str, head: str, standing: dict[str, Listed]) -> None:
    ours = {receipt.commit for receipt in receipts.load_all(workspace) if receipt.repo == repo}
    if head not in ours and not set(standing) <= _HUBS_OWN:
        raise ReleaseRefused(
            f"main of {repo} is {head[:12]}, which no receipt here names; wanted a commit of this line or an "
            "empty repository. Look at who made it; nothing was overwritten"
        )


def _refuse_taken(hub: Hub, repo: str, version: str) -> None:
    tags = hub.branches_and_tags(repo, "model")[1]
    if version in tags:
        raise ReleaseRefused(
            f"{repo} has a tag {version} at {tags[version][:12]} already; wanted it free. "
            "Restore the receipts of this line, or remove the tag"
        )


def _verify(hub: Hub, repo: str, commit: str, files: dict[str, Path]) -> None:
    """Compare the Hub's tree, and a download into an empty cache, with the files that were judged."""
    if not _same(hub.files(repo, "model", commit), files):
        raise BrokenChain(
            f"commit {commit} of {repo} is not the tree that was sent; look at it before using it"
        )
    with tempfile.TemporaryDirectory() as cache:
        folder, _ = hub.download(repo, "model", commit, files.__contains__, cache=Path(cache))
        for path, local in files.items():
            if digests.sha256(folder / path) != digests.sha256(local):
                raise BrokenChain(
                    f"{path} came back from {repo} at {commit[:12]} with other bytes; do not use it"
                )


def _tag(hub: Hub, repo: str, version: str, commit: str) -> None:
    tags = hub.branches_and_tags(repo, "model")[1]
    if version not in tags:
        hub.tag(repo, version, commit)
        tags = hub.branches_and_tags(repo, "model")[1]
    if tags.get(version) != commit:
        raise ReleaseRefused(
            f"the tag {version} of {repo} points to {str(tags.get(version))[:12]}; wanted {commit[:12]}"
        )
